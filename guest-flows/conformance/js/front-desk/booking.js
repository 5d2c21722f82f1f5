/** Booking a visit. */
import { appointments, call, notes, understanding } from "../../../sdk-js/gudok.js";
import { handOver, moment, promiseCallback } from "../desk.js";

/** What the round comes to: `over` or `more`. */
export function book(desk, intent, need) {
    const [named] = intent.services;
    const offered = intent.services.find((service) => service.offered === "offered");
    if (!offered && named?.offered === "absent") {
        call.say(`К сожалению, услуги «${named.name}» у нас нет.`);
        notes.tag("not_our_service");
        notes.setOutcome("not-offered");
        desk.outcome = true;
        return "more";
    }

    const wish = wishFor(need);
    const query = {
        service: offered?.serviceId,
        doctor: intent.doctor,
        dateFrom: wish.date ?? wish.dateFrom,
        dateTo: wish.date ?? wish.dateTo,
        timeFrom: wish.timeFrom,
        timeTo: wish.timeTo,
        limit: 3,
    };
    for (let attempt = 0; attempt < 2; attempt++) {
        const result = offer(desk, query, need);
        if (result !== "taken") return result;
        call.say("Это время только что заняли.");
    }
    promiseCallback(desk.caller, "запись: время заняли");
    return "over";
}

/** The day and time in the caller's words, asked for once when they named none. */
function wishFor(need) {
    let heard = understanding.parseDateTime(need);
    if (heard.kind === "resolved") return heard.wish;
    const answer = call.ask({ id: "when", expects: "date-time", text: "На какой день вас записать?" });
    if (answer.kind !== "speech") return {};
    heard = understanding.parseDateTime(answer.text);
    return heard.kind === "resolved" ? heard.wish : {};
}

function offer(desk, query, need) {
    const slots = appointments.find(query);
    if (slots.length === 0) {
        promiseCallback(desk.caller, "запись: свободного времени не нашлось");
        return "over";
    }
    const slot = chooseSlot(slots);
    if (!slot) {
        handOver(desk.caller, "запись: время не выбрано");
        return "over";
    }
    const person = askName();
    if (!desk.caller) {
        handOver(desk.caller, "запись: нет номера");
        return "over";
    }
    const booking = appointments.book(slot.id, { phone: desk.caller, person, reason: need });
    if (booking.kind === "taken") return "taken";
    const { start, doctorName } = booking.appointment.slot;
    call.say(`Записал вас на ${moment(start)}, врач ${doctorName}. Ждём вас!`);
    notes.tag("target");
    notes.setOutcome("booked");
    desk.outcome = true;
    return "more";
}

function chooseSlot(slots) {
    const moments = slots.map((slot) => moment(slot.start));
    const text = `Есть время: ${moments.join(", ")}. Какое подходит?`;
    const answer = call.ask({ id: "slot", expects: "choice", text, hints: moments });
    if (answer.kind === "speech") return slots[understanding.parseChoice(answer.text, moments)];
    if (answer.kind === "digits" && /^[1-3]$/.test(answer.digits)) return slots[answer.digits - 1];
}

function askName() {
    const answer = call.ask({ id: "name", expects: "person-name", text: "Как вас зовут?" });
    if (answer.kind !== "speech") return "";
    const { last, first, patronymic } = understanding.parseName(answer.text) ?? {};
    return [last, first, patronymic].filter(Boolean).join(" ") || answer.text;
}
