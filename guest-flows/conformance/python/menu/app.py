"""A menu by keys or by voice."""

from desk import hand_over
from gudok import call, clinic, flow, notes, understanding
from gudok.call import Answer, AnswerKind, Digits, Speech
from gudok.notes import Outcome


@flow
def menu() -> None:
    caller = call.info().caller
    desk = clinic.info()
    text = f"{desk.name}. Часы работы — один. Адрес — два. Регистратура — ноль."
    answered = False
    for _ in range(3):
        match chosen(call.ask("menu", text, AnswerKind.DIGITS, max_digits=1, wait_ms=4000)):
            case "0":
                return hand_over(caller, "меню")
            case "1":
                say_hours()
            case "2":
                call.say(desk.address)
            case _:
                continue
        notes.set_outcome(Outcome.ANSWERED)
        answered = True
    call.say("До свидания!")
    call.hang_up()
    if not answered:
        notes.set_outcome(Outcome.NOTHING)


def chosen(answer: Answer) -> str | None:
    """`1`, `2` or `0`, or nothing when the answer is none of these."""
    match answer:
        case Digits(digits):
            return digits
        case Speech(text):
            index = understanding.parse_choice(text, ["часы", "адрес", "регистратура"])
            return None if index is None else "120"[index]
        case _:
            return None


def say_hours() -> None:
    today, _ = clinic.now().split("T")
    hours = clinic.hours(today)
    call.say(f"Сегодня работаем с {hours.opens} до {hours.closes}." if hours.open else "Сегодня закрыто.")
