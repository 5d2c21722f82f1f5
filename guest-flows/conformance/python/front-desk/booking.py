"""Booking a visit."""

from desk import hand_over, moment, promise_callback
from gudok import appointments, call, notes, understanding
from gudok.appointments import Booked, Slot
from gudok.call import AnswerKind, Digits, Speech
from gudok.notes import Outcome
from gudok.understanding import Intent, Offered, Resolved, Wish


def book(caller: str | None, intent: Intent, need: str) -> bool:
    """Is the conversation over?"""
    named = intent.services
    offered = [service for service in named if service.offered is Offered.OFFERED]
    if named and not offered and named[0].offered is Offered.ABSENT:
        call.say(f"К сожалению, услуги «{named[0].name}» у нас нет.")
        notes.tag("not_our_service")
        notes.set_outcome(Outcome.NOT_OFFERED)
        return False

    service = offered[0].service_id if offered else None
    wish = wish_for(need)
    for _ in range(2):
        slots = appointments.find(
            service=service,
            doctor=intent.doctor,
            date_from=wish.date or wish.date_from,
            date_to=wish.date or wish.date_to,
            time_from=wish.time_from,
            time_to=wish.time_to,
            limit=3,
        )
        if not slots:
            promise_callback(caller, "запись: свободного времени не нашлось")
            return True
        slot = choose(slots)
        if slot is None:
            hand_over(caller, "запись: время не выбрано")
            return True
        person = ask_name()
        if caller is None:
            hand_over(caller, "запись: нет номера")
            return True
        match appointments.book(slot.id, phone=caller, person=person, reason=need):
            case Booked(visit):
                call.say(f"Записал вас на {moment(visit.slot.start)}, врач {visit.slot.doctor_name}. Ждём вас!")
                notes.tag("target")
                notes.set_outcome(Outcome.BOOKED)
                return False
        call.say("Это время только что заняли.")
    promise_callback(caller, "запись: время заняли")
    return True


def wish_for(need: str) -> Wish:
    """The day and time in the caller's words, asked for once when they named none."""
    match understanding.parse_date_time(need):
        case Resolved(wish):
            return wish
    match call.ask("when", "На какой день вас записать?", AnswerKind.DATE_TIME):
        case Speech(text):
            match understanding.parse_date_time(text):
                case Resolved(wish):
                    return wish
    return Wish(None, None, None, None, None, False)


def choose(slots: list[Slot]) -> Slot | None:
    moments = [moment(slot.start) for slot in slots]
    text = f"Есть время: {', '.join(moments)}. Какое подходит?"
    match call.ask("slot", text, AnswerKind.CHOICE, hints=moments):
        case Speech(words):
            index = understanding.parse_choice(words, moments)
        case Digits("1" | "2" | "3" as digits):
            index = int(digits) - 1
        case _:
            index = None
    return slots[index] if index is not None and index < len(slots) else None


def ask_name() -> str:
    match call.ask("name", "Как вас зовут?", AnswerKind.PERSON_NAME):
        case Speech(text):
            name = understanding.parse_name(text)
            parts = [name.last, name.first, name.patronymic] if name else []
            return " ".join(part for part in parts if part) or text
    return ""
