/** What all three conversations do alike. */
import { call, callbacks, clinic, notes, routing } from "../../sdk-js/gudok.js";

/** Who calls whom. `voice.call` and `clinic.info`, in this order, once. */
export function pickUp() {
    const { caller } = call.info();
    return { caller, clinic: clinic.info() };
}

/** `2026-11-24T10:30` as a caller should hear it. */
export function moment(at) {
    const [date, time] = at.split("T");
    const [, month, day] = date.split("-");
    return `${day}.${month} в ${time}`;
}

/** Give the caller to a person, or promise to call back. */
export function handOver(caller, summary) {
    if (routing.transfer("operator", summary).kind === "connected") notes.setOutcome("transferred");
    else promiseCallback(caller, summary);
}

export function promiseCallback(caller, reason) {
    if (!caller) {
        call.say("Сейчас никого нет. Пожалуйста, позвоните позже.");
        notes.setOutcome("nothing");
        return;
    }
    const { due } = callbacks.request({ phone: caller, reason });
    call.say(`Мы перезвоним вам не позже ${moment(due)}. До свидания!`);
    notes.setOutcome("callback");
}
