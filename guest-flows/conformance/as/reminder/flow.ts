// The conformance flow `reminder`: a call to somebody who has a visit.

import { end } from "../../../sdk-assemblyscript/gudok";
import * as appointments from "../../../sdk-assemblyscript/appointments";
import * as clinic from "../../../sdk-assemblyscript/clinic";
import * as notes from "../../../sdk-assemblyscript/notes";
import { YesNo, parseYesNo } from "../../../sdk-assemblyscript/understanding";
import { CallInfo, Expects, Kind, Question, call, say } from "../../../sdk-assemblyscript/voice";
import { handOver, moment, promise } from "../endings";

export { cabi_realloc } from "../../../sdk-assemblyscript/gudok";

export function run(): usize {
  conversation();
  return end();
}

// −1: the conversation is over.
function yesNo(id: string, text: string): i32 {
  const question = new Question(id, text);
  question.expects = Expects.YesNo;
  const answer = question.ask();
  if (answer === null) return -1;
  if (answer.kind == Kind.Speech) return parseYesNo(answer.text);
  if (answer.isKey("1")) return YesNo.Yes;
  return answer.isKey("2") ? YesNo.No : YesNo.Unknown;
}

function doesNotCome(info: CallInfo, visit: appointments.Appointment): void {
  const move = yesNo("move", "Перенести на другое время?");
  if (move == -1) return;
  if (move == YesNo.Yes) return promise(info, "перенос записи");
  if (!appointments.cancel(visit.id, "напоминание")) return;
  if (!say("Отменил вашу запись. До свидания!")) return;
  if (notes.tag("reschedule")) notes.setOutcome(notes.Outcome.Cancelled);
}

function conversation(): void {
  const info = call();
  const house = clinic.info();
  const phone = info.caller;
  if (phone === null) {
    notes.setOutcome(notes.Outcome.Nothing);
    return;
  }
  const visits = appointments.mine(phone);
  if (visits === null) return;
  if (visits.length == 0) {
    notes.setOutcome(notes.Outcome.Nothing);
    return;
  }
  const visit = visits[0];
  let comes = yesNo("come", "Здравствуйте! Это " + house.name + ". Вы записаны на " + moment(visit.slot.start) + ", врач " +
    visit.slot.doctorName + ". Вы придёте?");
  if (comes == YesNo.Unknown) comes = yesNo("come-again", "Скажите, пожалуйста, да или нет: вы придёте?");
  if (comes == YesNo.Unknown) return handOver(info, "напоминание: не ответили");
  if (comes == YesNo.No) return doesNotCome(info, visit);
  if (comes == -1 || !notes.note("visit", "confirmed")) return;
  if (say("Спасибо, ждём вас!")) notes.setOutcome(notes.Outcome.Answered);
}
