// The conformance flow `menu`: keys, at most three times.

import { end } from "../../../sdk-assemblyscript/gudok";
import * as clinic from "../../../sdk-assemblyscript/clinic";
import * as notes from "../../../sdk-assemblyscript/notes";
import { parseChoice } from "../../../sdk-assemblyscript/understanding";
import { Answer, Expects, Kind, Question, call, hangUp, say } from "../../../sdk-assemblyscript/voice";
import { handOver } from "../endings";

export { cabi_realloc } from "../../../sdk-assemblyscript/gudok";

export function run(): usize {
  conversation();
  return end();
}

// 0 hours, 1 address, 2 a person, −1 none of these.
function choice(answer: Answer): i32 {
  if (answer.kind == Kind.Speech) return parseChoice(answer.text, ["часы", "адрес", "регистратура"]);
  if (answer.isKey("1")) return 0;
  if (answer.isKey("2")) return 1;
  return answer.isKey("0") ? 2 : -1;
}

function tellHours(): bool {
  const hours = clinic.hours(clinic.now().slice(0, 10));
  if (hours === null) return false;
  if (!hours.open) return say("Сегодня закрыто.");
  return say("Сегодня работаем с " + hours.opens + " до " + hours.closes + ".");
}

function conversation(): void {
  const info = call();
  const house = clinic.info();
  const question = new Question("menu", house.name + ". Часы работы — один. Адрес — два. Регистратура — ноль.");
  question.expects = Expects.Digits;
  question.maxDigits = 1;
  question.answerTimeoutMs = 4000;
  let answered = false;
  for (let asked = 0; asked < 3; asked++) {
    const answer = question.ask();
    if (answer === null) return;
    const chosen = choice(answer);
    if (chosen == 2) return handOver(info, "меню");
    if (chosen != 0 && chosen != 1) continue;
    if (!(chosen == 0 ? tellHours() : say(house.address))) return;
    if (!notes.setOutcome(notes.Outcome.Answered)) return;
    answered = true;
  }
  if (!say("До свидания!") || !hangUp()) return;
  if (!answered) notes.setOutcome(notes.Outcome.Nothing);
}
