"""What all three conversations do alike."""

from gudok import call, callbacks, notes, routing
from gudok.notes import Outcome


def moment(at: str) -> str:
    """`2026-11-24T10:30` as a caller should hear it."""
    date, time = at.split("T")
    _, month, day = date.split("-")
    return f"{day}.{month} в {time}"


def hand_over(caller: str | None, summary: str) -> None:
    """Give the caller to a person, or promise to call back."""
    if routing.transfer(routing.OPERATOR, summary) == routing.Connected():
        notes.set_outcome(Outcome.TRANSFERRED)
    else:
        promise_callback(caller, summary)


def promise_callback(caller: str | None, reason: str) -> None:
    if caller is None:
        call.say("Сейчас никого нет. Пожалуйста, позвоните позже.")
        notes.set_outcome(Outcome.NOTHING)
        return
    promise = callbacks.request(phone=caller, reason=reason)
    call.say(f"Мы перезвоним вам не позже {moment(promise.due)}. До свидания!")
    notes.set_outcome(Outcome.CALLBACK)
