// The conformance flow `front-desk`: questions, visits, people.

import { end } from "../../../sdk-assemblyscript/gudok";
import * as appointments from "../../../sdk-assemblyscript/appointments";
import * as clinic from "../../../sdk-assemblyscript/clinic";
import * as faq from "../../../sdk-assemblyscript/faq";
import * as notes from "../../../sdk-assemblyscript/notes";
import { Kind as Wants, parseIntent } from "../../../sdk-assemblyscript/understanding";
import { CallInfo, Kind, Question, call, say } from "../../../sdk-assemblyscript/voice";
import { handOver, moment } from "../endings";
import { Booked, book } from "./booking";

export { cabi_realloc } from "../../../sdk-assemblyscript/gudok";

export function run(): usize {
  new Desk().serve();
  return end();
}

enum Served { More, NotUnderstood, Over }

class Desk {
  info: CallInfo = call();
  outcomeSet: bool = false;
  faqAnswered: bool = false;

  serve(): void {
    let question = new Question("need", clinic.info().name + ", здравствуйте! Чем помочь?");
    let misunderstood = false;
    while (true) {
      const answer = question.ask();
      if (answer === null) return;
      if (answer.isKey("0")) return handOver(this.info, "клавиша 0");
      const served = answer.kind == Kind.Speech ? this.request(answer.text) : Served.NotUnderstood;
      if (served == Served.Over) return;
      if (served == Served.More) {
        misunderstood = false;
        question = new Question("more", "Чем ещё помочь?");
      } else {
        if (misunderstood) return handOver(this.info, "не поняли друг друга");
        misunderstood = true;
        question = new Question("again", "Простите, не понял. Чем помочь?");
      }
    }
  }

  request(said: string): Served {
    const intent = parseIntent(said);
    if (intent.urgent) return notes.tag("target") ? this.toPerson("срочно: " + said) : Served.Over;
    switch (intent.kind) {
      case Wants.Operator:
      case Wants.Results:
      case Wants.Ward:
      case Wants.Doctor:
      case Wants.CallbackMissed:
      case Wants.Feed:
      case Wants.Advertising:
        return this.toPerson(said);
      case Wants.Goodbye:
        if (say("До свидания!") && !this.outcomeSet) this.set(notes.Outcome.Nothing);
        return Served.Over;
      case Wants.Book: {
        const booked = book(this.info, said, intent);
        if (booked == Booked.Booked) return this.set(notes.Outcome.Booked);
        return booked == Booked.NotOffered ? this.set(notes.Outcome.NotOffered) : Served.Over;
      }
      case Wants.MyVisit:
        return this.myVisit(said, false);
      case Wants.Cancel:
      case Wants.Reschedule:
        return this.myVisit(said, true);
      default:
        return this.answer(said);
    }
  }

  answer(said: string): Served {
    const hits = faq.find(said);
    if (hits === null) return Served.Over;
    if (hits.length == 0) return Served.NotUnderstood;
    if (!say(hits[0].answer)) return Served.Over;
    if (this.faqAnswered) return Served.More;
    this.faqAnswered = true;
    return this.set(notes.Outcome.Answered);
  }

  // What the caller has booked; who wants to change it talks to a person.
  myVisit(said: string, change: bool): Served {
    const phone = this.info.caller;
    if (phone === null) return this.toPerson("нет номера");
    const visits = appointments.mine(phone);
    if (visits === null) return Served.Over;
    if (visits.length == 0) {
      return say("На ваш номер записи нет.") ? this.set(notes.Outcome.Answered) : Served.Over;
    }
    const slot = visits[0].slot;
    if (!say("Вы записаны на " + moment(slot.start) + ", врач " + slot.doctorName + ".")) return Served.Over;
    const set = this.set(notes.Outcome.Answered);
    return change && set == Served.More ? this.toPerson(said) : set;
  }

  toPerson(summary: string): Served {
    handOver(this.info, summary);
    return Served.Over;
  }

  set(outcome: notes.Outcome): Served {
    this.outcomeSet = true;
    return notes.setOutcome(outcome) ? Served.More : Served.Over;
  }
}
