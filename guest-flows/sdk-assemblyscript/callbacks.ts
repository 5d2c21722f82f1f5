// "We will call you back": a promise that is written down.

import { Sent, result, text, wentWell } from "./abi";

@external("gudok:callbacks/callbacks@0.1.0", "request")
declare function hostRequest(
  phone: usize, phoneSize: usize, person: usize, personSize: usize, reason: usize, reasonSize: usize, hasAt: i32,
  at: usize, atSize: usize, result: usize): void;

export class Promised {
  id: string = "";
  // When the clinic means to call at the latest.
  due: string = "";
}

// `at` is when the caller asked for it, null: by the clinic's rule. null when the conversation is over.
export function request(phone: string, person: string, reason: string, at: string | null = null): Promised | null {
  const number = new Sent(phone);
  const name = new Sent(person);
  const why = new Sent(reason);
  const when = new Sent(at === null ? "" : at);
  hostRequest(number.at, number.size, name.at, name.size, why.at, why.size, at === null ? 0 : 1, when.at, when.size, result);
  if (!wentWell("callbacks.request")) return null;
  const promised = new Promised();
  promised.id = text(result + 4);
  promised.due = text(result + 12);
  return promised;
}
