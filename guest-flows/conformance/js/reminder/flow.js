/** The clinic calls: will you come? */
import { appointments, call, flow, notes, understanding } from "../../../sdk-js/gudok.js";
import { handOver, moment, pickUp, promiseCallback } from "../desk.js";

export const run = flow(() => {
    const { caller, clinic } = pickUp();
    const [visit] = caller ? appointments.mine(caller) : [];
    if (!visit) return notes.setOutcome("nothing");

    const { start, doctorName } = visit.slot;
    const text = `Здравствуйте! Это ${clinic.name}. Вы записаны на ${moment(start)}, врач ${doctorName}. Вы придёте?`;
    let come = yesOrNo("come", text);
    if (come === "unknown") come = yesOrNo("come-again", "Скажите, пожалуйста, да или нет: вы придёте?");
    switch (come) {
        case "yes":
            notes.note("visit", "confirmed");
            call.say("Спасибо, ждём вас!");
            return notes.setOutcome("answered");
        case "no":
            return moveOrCancel(caller, visit);
        default:
            return handOver(caller, "напоминание: не ответили");
    }
});

function moveOrCancel(caller, visit) {
    if (yesOrNo("move", "Перенести на другое время?") === "yes") return promiseCallback(caller, "перенос записи");
    appointments.cancel(visit.id, "напоминание");
    call.say("Отменил вашу запись. До свидания!");
    notes.tag("reschedule");
    notes.setOutcome("cancelled");
}

/** `yes`, `no` or `unknown`, by voice or by the keys 1 and 2. */
function yesOrNo(id, text) {
    const answer = call.ask({ id, expects: "yes-no", text });
    if (answer.kind === "speech") return understanding.parseYesNo(answer.text);
    if (answer.kind === "digits") return { 1: "yes", 2: "no" }[answer.digits] ?? "unknown";
    return "unknown";
}
