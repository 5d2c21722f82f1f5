""""We will call you back": a promise that is written down."""

from wit_world.imports import callbacks
from wit_world.imports.callbacks import Promise

from gudok.host import host

__all__ = ["Promise", "request"]

_request = host(callbacks.request)


def request(*, phone: str, reason: str, person: str = "", at: str | None = None) -> Promise:
    """Promise to call back. Committed when it returns; `due` is the latest moment. `at` is when the caller asked for it."""
    return _request(callbacks.Callback(phone, person, reason, at))
