// What the flow writes down about the call. False from each of them: the conversation is over.

import { Sent, result, wentWell } from "./abi";

@external("gudok:notes/notes@0.1.0", "tag")
declare function hostTag(category: usize, size: usize, result: usize): void;
@external("gudok:notes/notes@0.1.0", "note")
declare function hostNote(name: usize, nameSize: usize, value: usize, valueSize: usize, result: usize): void;
@external("gudok:notes/notes@0.1.0", "set-outcome")
declare function hostSetOutcome(outcome: i32, result: usize): void;
@external("gudok:notes/notes@0.1.0", "log")
declare function hostLog(line: usize, size: usize): void;

export enum Outcome { Booked, Moved, Cancelled, Answered, Transferred, Callback, NotOffered, Nothing }

export function tag(category: string): bool {
  const sent = new Sent(category);
  hostTag(sent.at, sent.size, result);
  return wentWell("notes.tag");
}

export function note(name: string, value: string): bool {
  const key = new Sent(name);
  const sent = new Sent(value);
  hostNote(key.at, key.size, sent.at, sent.size, result);
  return wentWell("notes.note");
}

export function setOutcome(outcome: Outcome): bool {
  hostSetOutcome(outcome, result);
  return wentWell("notes.set-outcome");
}

// A line in the flow's own log. Never put personal data here.
export function log(line: string): void {
  const sent = new Sent(line);
  hostLog(sent.at, sent.size);
}
