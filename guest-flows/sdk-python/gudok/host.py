"""What stands between a flow and the host: exceptions in place of error values, and the way in."""

import traceback
from collections.abc import Callable
from functools import wraps

from componentize_py_types import Err
from wit_world.imports import types


class HangUp(Exception):
    """The caller has gone. Let it fly: `flow` ends the conversation in good order."""


class HostError(Exception):
    """The host could not do what it was asked."""

    def __init__(self, function: str, code: str, details: str = "") -> None:
        super().__init__(f"{function}: {code}")
        self.function = function
        """The name in the contract: `appointments.find`."""
        self.code = code
        """`timeout`, `denied`, `unavailable`, or a code of the function's own: `bad-argument`."""
        self.details = details
        """One sentence for the flow's author."""


def flow(conversation: Callable[[], None]) -> Callable[[], None]:
    """Make a function the program that the host runs: one conversation, from ring to hang-up."""

    class WitWorld:
        def run(self) -> None:
            try:
                conversation()
            except HangUp:
                return
            except HostError as error:
                raise Err(str(error)) from error
            except Exception as error:
                traceback.print_exc()
                raise Err(f"{type(error).__name__}: {error}") from error

    # componentize-py looks for a class of this name in the application's module.
    conversation.__globals__["WitWorld"] = WitWorld
    return conversation


def host[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """A function of the contract that raises `HangUp` and `HostError`."""
    capability = function.__module__.rpartition(".")[2]
    where = f"{capability}.{function.__name__.replace('_', '-')}"

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except Err as error:
            raise named(where, error.value) from None

    return call


def named(where: str, error: types.Error) -> Exception:
    """The exception for an error of the contract."""
    match error:
        case types.Error_Hangup():
            return HangUp()
        case types.Error_Timeout():
            return HostError(where, "timeout")
        case types.Error_Denied(why):
            return HostError(where, "denied", why)
        case types.Error_Unavailable(why):
            return HostError(where, "unavailable", why)
        case types.Error_Other(info):
            return HostError(where, info.code, info.message)
