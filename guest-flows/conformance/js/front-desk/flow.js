/** The front desk: questions, one's own visit, booking, and a person for the rest. */
import { appointments, call, faq, flow, notes, understanding } from "../../../sdk-js/gudok.js";
import { handOver, moment, pickUp } from "../desk.js";
import { book } from "./booking.js";

const FOR_A_PERSON = ["operator", "results", "ward", "doctor", "callback-missed", "feed", "advertising"];
const ABOUT_A_VISIT = ["cancel", "reschedule", "my-visit"];

export const run = flow(() => {
    const { caller, clinic } = pickUp();
    const desk = { caller, answered: false, outcome: false };
    let question = { id: "need", text: `${clinic.name}, здравствуйте! Чем помочь?` };
    let misunderstood = 0;
    while (true) {
        switch (round(desk, call.ask(question))) {
            case "over":
                return;
            case "more":
                misunderstood = 0;
                question = { id: "more", text: "Чем ещё помочь?" };
                break;
            case "misunderstood":
                if (++misunderstood === 2) return handOver(caller, "не поняли друг друга");
                question = { id: "again", text: "Простите, не понял. Чем помочь?" };
        }
    }
});

/** What a round comes to: `over`, `more` or `misunderstood`. */
function round(desk, answer) {
    if (answer.kind === "speech") return need(desk, answer.text);
    if (answer.kind === "digits" && answer.digits === "0") return toPerson(desk, "клавиша 0");
    return "misunderstood";
}

function need(desk, text) {
    const intent = understanding.parseIntent(text);
    if (intent.urgent) {
        notes.tag("target");
        return toPerson(desk, `срочно: ${text}`);
    }
    if (FOR_A_PERSON.includes(intent.kind)) return toPerson(desk, text);
    if (ABOUT_A_VISIT.includes(intent.kind)) return myVisit(desk, intent.kind, text);
    if (intent.kind === "book") return book(desk, intent, text);
    if (intent.kind === "goodbye") {
        call.say("До свидания!");
        if (!desk.outcome) notes.setOutcome("nothing");
        return "over";
    }
    return question(desk, text);
}

function question(desk, text) {
    const [hit] = faq.find(text);
    if (!hit) return "misunderstood";
    call.say(hit.entry.answer);
    if (!desk.answered) notes.setOutcome("answered");
    desk.answered = desk.outcome = true;
    return "more";
}

function myVisit(desk, kind, text) {
    if (!desk.caller) return toPerson(desk, "нет номера");
    const [visit] = appointments.mine(desk.caller);
    call.say(
        visit
            ? `Вы записаны на ${moment(visit.slot.start)}, врач ${visit.slot.doctorName}.`
            : "На ваш номер записи нет.",
    );
    notes.setOutcome("answered");
    desk.outcome = true;
    return visit && kind !== "my-visit" ? toPerson(desk, text) : "more";
}

function toPerson({ caller }, summary) {
    handOver(caller, summary);
    return "over";
}
