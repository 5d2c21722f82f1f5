// A new visit.

import * as appointments from "../../../sdk-assemblyscript/appointments";
import * as notes from "../../../sdk-assemblyscript/notes";
import { Intent, Offered, Wish, parseChoice, parseDateTime, parseName } from "../../../sdk-assemblyscript/understanding";
import { CallInfo, Expects, Kind, Question, say } from "../../../sdk-assemblyscript/voice";
import { handOver, moment, promise } from "../endings";

// The outcome is still to be set after the first two; after Over nothing is.
export enum Booked { Booked, NotOffered, Over }

export function book(info: CallInfo, need: string, intent: Intent): Booked {
  let service: string | null = null;
  let offered = false;
  for (let index = 0; index < intent.services.length && !offered; index++) {
    offered = intent.services[index].offered == Offered.Offered;
    if (offered) service = intent.services[index].id;
  }
  if (!offered && intent.services.length > 0 && intent.services[0].offered == Offered.Absent) {
    if (!say("К сожалению, услуги «" + intent.services[0].name + "» у нас нет.")) return Booked.Over;
    return notes.tag("not_our_service") ? Booked.NotOffered : Booked.Over;
  }
  const wish = wanted(need);
  if (wish === null) return Booked.Over;
  const query = new appointments.Query();
  query.service = service;
  query.doctor = intent.doctor;
  query.dateFrom = wish.date !== null ? wish.date : wish.dateFrom;
  query.dateTo = wish.date !== null ? wish.date : wish.dateTo;
  query.timeFrom = wish.timeFrom;
  query.timeTo = wish.timeTo;
  query.limit = 3;
  // Somebody may be quicker once.
  for (let attempt = 0; attempt < 2; attempt++) {
    const slots = appointments.find(query);
    if (slots === null) return Booked.Over;
    if (slots.length == 0) {
      promise(info, "запись: свободного времени не нашлось");
      return Booked.Over;
    }
    const chosen = choose(slots);
    if (chosen == OVER) return Booked.Over;
    if (chosen == NONE) {
      handOver(info, "запись: время не выбрано");
      return Booked.Over;
    }
    const person = name();
    if (person === null) return Booked.Over;
    const phone = info.caller;
    if (phone === null) {
      handOver(info, "запись: нет номера");
      return Booked.Over;
    }
    const booking = appointments.book(slots[chosen].id, phone, person, "", need);
    if (booking === null) return Booked.Over;
    const visit = booking.booked;
    if (visit !== null) {
      const words = "Записал вас на " + moment(visit.slot.start) + ", врач " + visit.slot.doctorName + ". Ждём вас!";
      return say(words) && notes.tag("target") ? Booked.Booked : Booked.Over;
    }
    if (!say("Это время только что заняли.")) return Booked.Over;
  }
  promise(info, "запись: время заняли");
  return Booked.Over;
}

const NONE = -1;
const OVER = -2;

// When they want to come: said at once, or asked for once; null when the conversation is over.
function wanted(need: string): Wish | null {
  const first = parseDateTime(need);
  if (first !== null) return first;
  const question = new Question("when", "На какой день вас записать?");
  question.expects = Expects.DateTime;
  const answer = question.ask();
  if (answer === null) return null;
  const second = answer.kind == Kind.Speech ? parseDateTime(answer.text) : null;
  return second !== null ? second : new Wish();
}

function choose(slots: appointments.Slot[]): i32 {
  const moments: string[] = [];
  for (let index = 0; index < slots.length; index++) moments.push(moment(slots[index].start));
  const question = new Question("slot", "Есть время: " + moments.join(", ") + ". Какое подходит?");
  question.expects = Expects.Choice;
  question.hints = moments;
  const answer = question.ask();
  if (answer === null) return OVER;
  let index = NONE;
  if (answer.kind == Kind.Speech) index = parseChoice(answer.text, moments);
  else if (answer.kind == Kind.Digits) index = ["1", "2", "3"].indexOf(answer.text);
  return index >= 0 && index < slots.length ? index : NONE;
}

// Empty when they did not say; null when the conversation is over.
function name(): string | null {
  const question = new Question("name", "Как вас зовут?");
  question.expects = Expects.PersonName;
  const answer = question.ask();
  if (answer === null) return null;
  if (answer.kind != Kind.Speech) return "";
  const parts = parseName(answer.text);
  return parts.length > 0 ? parts.join(" ") : answer.text;
}
