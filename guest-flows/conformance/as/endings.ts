// "Rules for all three" of the specification: handing over, promising a call-back, telling a moment.

import * as callbacks from "../../sdk-assemblyscript/callbacks";
import * as notes from "../../sdk-assemblyscript/notes";
import * as routing from "../../sdk-assemblyscript/routing";
import { CallInfo, say } from "../../sdk-assemblyscript/voice";

// 2026-11-24T10:30 → 24.11 в 10:30
export function moment(iso: string): string {
  return iso.slice(8, 10) + "." + iso.slice(5, 7) + " в " + iso.slice(11, 16);
}

// To a person; when nobody is there, by a call-back. The conversation ends here.
export function handOver(call: CallInfo, summary: string): void {
  const outcome = routing.transfer(routing.Destination.Operator, summary);
  if (outcome == routing.Outcome.Over) return;
  if (outcome == routing.Outcome.Connected) notes.setOutcome(notes.Outcome.Transferred);
  else promise(call, summary);
}

// "We will call you back", if it is known where. The conversation ends here.
export function promise(call: CallInfo, reason: string): void {
  const phone = call.caller;
  if (phone === null) {
    if (say("Сейчас никого нет. Пожалуйста, позвоните позже.")) notes.setOutcome(notes.Outcome.Nothing);
    return;
  }
  const promised = callbacks.request(phone, "", reason);
  if (promised === null) return;
  if (!say("Мы перезвоним вам не позже " + moment(promised.due) + ". До свидания!")) return;
  notes.setOutcome(notes.Outcome.Callback);
}
