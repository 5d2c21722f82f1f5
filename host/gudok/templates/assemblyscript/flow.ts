// The flow `{{name}}`: greets, answers a question from the clinic's list, or leads to a person.

import { end } from "./gudok/sdk/assemblyscript/gudok";
import * as clinic from "./gudok/sdk/assemblyscript/clinic";
import * as faq from "./gudok/sdk/assemblyscript/faq";
import * as notes from "./gudok/sdk/assemblyscript/notes";
import * as routing from "./gudok/sdk/assemblyscript/routing";
import { Kind, Question, say } from "./gudok/sdk/assemblyscript/voice";

export { cabi_realloc } from "./gudok/sdk/assemblyscript/gudok";

export function run(): usize {
  conversation();
  return end();
}

function conversation(): void {
  const question = new Question("need", clinic.info().name + ", здравствуйте! Чем помочь?");
  const answer = question.ask();
  if (answer === null) return;
  if (answer.kind != Kind.Speech) return toPerson("звонящий промолчал");
  const hits = faq.find(answer.text);
  if (hits === null) return;
  if (hits.length == 0) return toPerson(answer.text);
  if (!say(hits[0].answer) || !notes.setOutcome(notes.Outcome.Answered)) return;
  say("До свидания!");
}

function toPerson(summary: string): void {
  const outcome = routing.transfer(routing.Destination.Operator, summary);
  if (outcome == routing.Outcome.Over) return;
  if (outcome == routing.Outcome.Connected) {
    notes.setOutcome(notes.Outcome.Transferred);
  } else if (say("Сейчас никого нет. Пожалуйста, позвоните позже.")) {
    notes.setOutcome(notes.Outcome.Nothing);
  }
}
