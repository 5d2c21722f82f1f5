"""The clinic calls: will you come?"""

from desk import hand_over, moment, promise_callback
from gudok import appointments, call, clinic, flow, notes, understanding
from gudok.appointments import Appointment
from gudok.call import AnswerKind, Digits, Speech
from gudok.notes import Outcome
from gudok.understanding import YesNo


@flow
def reminder() -> None:
    caller = call.info().caller
    name = clinic.info().name
    visits = appointments.mine(caller) if caller else []
    if not caller or not visits:
        return notes.set_outcome(Outcome.NOTHING)

    slot = visits[0].slot
    come = yes_or_no(
        "come",
        f"Здравствуйте! Это {name}. Вы записаны на {moment(slot.start)}, врач {slot.doctor_name}. Вы придёте?",
    )
    if come is YesNo.UNKNOWN:
        come = yes_or_no("come-again", "Скажите, пожалуйста, да или нет: вы придёте?")
    match come:
        case YesNo.YES:
            notes.note("visit", "confirmed")
            call.say("Спасибо, ждём вас!")
            notes.set_outcome(Outcome.ANSWERED)
        case YesNo.NO:
            move_or_cancel(caller, visits[0])
        case YesNo.UNKNOWN:
            hand_over(caller, "напоминание: не ответили")


def move_or_cancel(caller: str, visit: Appointment) -> None:
    if yes_or_no("move", "Перенести на другое время?") is YesNo.YES:
        return promise_callback(caller, "перенос записи")
    appointments.cancel(visit.id, "напоминание")
    call.say("Отменил вашу запись. До свидания!")
    notes.tag("reschedule")
    notes.set_outcome(Outcome.CANCELLED)


def yes_or_no(id: str, text: str) -> YesNo:
    """By voice, or by the keys 1 and 2."""
    match call.ask(id, text, AnswerKind.YES_NO):
        case Speech(words):
            return understanding.parse_yes_no(words)
        case Digits("1"):
            return YesNo.YES
        case Digits("2"):
            return YesNo.NO
        case _:
            return YesNo.UNKNOWN
