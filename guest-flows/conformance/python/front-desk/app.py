"""The front desk: questions, one's own visit, booking, and a person for the rest."""

from enum import Enum, auto

from booking import book
from desk import hand_over, moment
from gudok import appointments, call, clinic, faq, flow, notes, understanding
from gudok.call import Answer, Digits, Speech
from gudok.notes import Outcome
from gudok.understanding import IntentKind

FOR_A_PERSON = {
    IntentKind.OPERATOR,
    IntentKind.RESULTS,
    IntentKind.WARD,
    IntentKind.DOCTOR,
    IntentKind.CALLBACK_MISSED,
    IntentKind.FEED,
    IntentKind.ADVERTISING,
}
ABOUT_A_VISIT = {IntentKind.CANCEL, IntentKind.RESCHEDULE, IntentKind.MY_VISIT}


class Round(Enum):
    """What a round of the conversation comes to."""

    OVER = auto()
    MORE = auto()
    MISUNDERSTOOD = auto()


@flow
def front_desk() -> None:
    FrontDesk().serve()


class FrontDesk:
    def __init__(self) -> None:
        self.caller = call.info().caller
        self.clinic = clinic.info()
        self.answered = False
        self.outcome = False

    def serve(self) -> None:
        question = ("need", f"{self.clinic.name}, здравствуйте! Чем помочь?")
        misunderstood = 0
        while True:
            match self.round(call.ask(*question)):
                case Round.OVER:
                    return
                case Round.MORE:
                    misunderstood = 0
                    question = ("more", "Чем ещё помочь?")
                case Round.MISUNDERSTOOD:
                    misunderstood += 1
                    if misunderstood == 2:
                        return hand_over(self.caller, "не поняли друг друга")
                    question = ("again", "Простите, не понял. Чем помочь?")

    def round(self, answer: Answer) -> Round:
        match answer:
            case Speech(text):
                return self.need(text)
            case Digits("0"):
                return self.to_person("клавиша 0")
            case _:
                return Round.MISUNDERSTOOD

    def need(self, text: str) -> Round:
        intent = understanding.parse_intent(text)
        if intent.urgent:
            notes.tag("target")
            return self.to_person(f"срочно: {text}")
        if intent.kind in FOR_A_PERSON:
            return self.to_person(text)
        if intent.kind in ABOUT_A_VISIT:
            return self.my_visit(intent.kind, text)
        if intent.kind is IntentKind.BOOK:
            ended = book(self.caller, intent, text)
            self.outcome = True
            return Round.OVER if ended else Round.MORE
        if intent.kind is IntentKind.GOODBYE:
            call.say("До свидания!")
            if not self.outcome:
                notes.set_outcome(Outcome.NOTHING)
            return Round.OVER
        return self.question(text)

    def question(self, text: str) -> Round:
        hits = faq.find(text)
        if not hits:
            return Round.MISUNDERSTOOD
        call.say(hits[0].entry.answer)
        if not self.answered:
            notes.set_outcome(Outcome.ANSWERED)
        self.answered = self.outcome = True
        return Round.MORE

    def my_visit(self, kind: IntentKind, text: str) -> Round:
        if self.caller is None:
            return self.to_person("нет номера")
        visits = appointments.mine(self.caller)
        if visits:
            slot = visits[0].slot
            call.say(f"Вы записаны на {moment(slot.start)}, врач {slot.doctor_name}.")
        else:
            call.say("На ваш номер записи нет.")
        notes.set_outcome(Outcome.ANSWERED)
        self.outcome = True
        return self.to_person(text) if visits and kind is not IntentKind.MY_VISIT else Round.MORE

    def to_person(self, summary: str) -> Round:
        hand_over(self.caller, summary)
        return Round.OVER
