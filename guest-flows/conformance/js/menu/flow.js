/** A menu by keys or by voice. */
import { call, clinic, flow, notes, understanding } from "../../../sdk-js/gudok.js";
import { handOver, pickUp } from "../desk.js";

const KEYS = ["1", "2", "0"];

export const run = flow(() => {
    const desk = pickUp();
    const text = `${desk.clinic.name}. Часы работы — один. Адрес — два. Регистратура — ноль.`;
    let answered = false;
    for (let round = 0; round < 3; round++) {
        const key = chosen(call.ask({ id: "menu", expects: "digits", text, maxDigits: 1, waitMs: 4000 }));
        if (key === "0") return handOver(desk.caller, "меню");
        if (key === "1") sayHours();
        else if (key === "2") call.say(desk.clinic.address);
        else continue;
        notes.setOutcome("answered");
        answered = true;
    }
    call.say("До свидания!");
    call.hangUp();
    if (!answered) notes.setOutcome("nothing");
});

/** `1`, `2` or `0`, or nothing when the answer is none of these. */
function chosen(answer) {
    switch (answer.kind) {
        case "digits":
            return KEYS.find((key) => key === answer.digits);
        case "speech":
            return KEYS[understanding.parseChoice(answer.text, ["часы", "адрес", "регистратура"])];
    }
}

function sayHours() {
    const [today] = clinic.now().split("T");
    const { open, opens, closes } = clinic.hours(today);
    call.say(open ? `Сегодня работаем с ${opens} до ${closes}.` : "Сегодня закрыто.");
}
