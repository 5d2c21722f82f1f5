"""The flow `{{name}}`: greets, answers a question from the clinic's list, or leads to a person."""

from gudok import call, clinic, faq, flow, notes, routing
from gudok.call import Speech
from gudok.notes import Outcome


@flow
def conversation() -> None:
    name = clinic.info().name
    match call.ask("need", f"{name}, здравствуйте! Чем помочь?"):
        case Speech(text):
            hits = faq.find(text)
        case _:
            return to_person("звонящий промолчал")
    if not hits:
        return to_person(text)
    call.say(hits[0].entry.answer)
    notes.set_outcome(Outcome.ANSWERED)
    call.say("До свидания!")


def to_person(summary: str) -> None:
    """`summary` is what the person who takes over will read."""
    match routing.transfer(routing.OPERATOR, summary):
        case routing.Connected():
            notes.set_outcome(Outcome.TRANSFERRED)
        case _:
            call.say("Сейчас никого нет. Пожалуйста, позвоните позже.")
            notes.set_outcome(Outcome.NOTHING)
