/** The flow `{{name}}`: greets, answers a question from the clinic's list, or leads to a person. */
import { call, clinic, faq, flow, notes, routing } from "./gudok/sdk/js/gudok.js";

export const run = flow(() => {
    const { name } = clinic.info();
    const answer = call.ask({ id: "need", text: `${name}, здравствуйте! Чем помочь?` });
    if (answer.kind !== "speech") return toPerson("звонящий промолчал");
    const [hit] = faq.find(answer.text);
    if (!hit) return toPerson(answer.text);
    call.say(hit.entry.answer);
    notes.setOutcome("answered");
    call.say("До свидания!");
});

/** `summary` is what the person who takes over will read. */
function toPerson(summary) {
    if (routing.transfer("operator", summary).kind === "connected") return notes.setOutcome("transferred");
    call.say("Сейчас никого нет. Пожалуйста, позвоните позже.");
    notes.setOutcome("nothing");
}
