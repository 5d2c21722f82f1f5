"""The conversation itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from wit_world.imports import voice
from wit_world.imports.voice import AnswerKind, BargeIn, CallInfo, Channel, Said

from gudok.host import host

__all__ = [
    "Answer", "AnswerKind", "BargeIn", "CallInfo", "Channel", "Digits", "Said", "Silence", "Speech",
    "ask", "hang_up", "info", "play", "say",
]  # fmt: skip


@dataclass(frozen=True)
class Speech:
    """The caller spoke."""

    text: str
    """As recognised: lower case, no punctuation to rely on."""
    confidence: float
    """0 to 1; below about 0.4 ask again."""


@dataclass(frozen=True)
class Digits:
    """The caller pressed keys."""

    digits: str


@dataclass(frozen=True)
class Silence:
    """Nothing came before the time-out."""


Answer = Speech | Digits | Silence

info = host(voice.call)
hang_up = host(voice.hang_up)
_say = host(voice.say)
_play = host(voice.play)
_ask = host(voice.ask)


def say(text: str, barge_in: BargeIn = BargeIn.SPEECH) -> Said:
    """Say a text; returns when it has been heard, or interrupted. `BargeIn.NONE`: the caller hears it to the end."""
    return _say(str(text), barge_in)


def play(prompt: str, barge_in: BargeIn = BargeIn.SPEECH) -> Said:
    """Play one of the clinic's recorded prompts. Unknown: `HostError` with the code `unknown-prompt`."""
    return _play(prompt, barge_in)


def ask(
    id: str,
    text: str,
    expects: AnswerKind = AnswerKind.FREE,
    *,
    barge_in: BargeIn = BargeIn.SPEECH,
    wait_ms: int = 0,
    max_digits: int = 0,
    hints: Sequence[str] = (),
) -> Answer:
    """Ask, and wait for one answer.

    `id` is a short stable name for traces, tests and replays. `wait_ms`: how long to wait for the answer to begin, 0 for
    the clinic's setting. `max_digits`: stop collecting keys after so many, 0 until `#` or a pause. `hints`: words that
    are likely in the answer.
    """
    match _ask(voice.Question(id, text, expects, barge_in, wait_ms, max_digits, list(hints), [])):
        case voice.Answer_Speech(heard):
            return Speech(heard.text, heard.confidence)
        case voice.Answer_Digits(digits):
            return Digits(digits)
        case _:
            return Silence()
