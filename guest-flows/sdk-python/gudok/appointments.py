"""Finding, booking, moving and cancelling visits."""

from wit_world.imports import appointments
from wit_world.imports.appointments import Appointment, Slot, Status, Visitor
from wit_world.imports.appointments import Booking_Booked as Booked
from wit_world.imports.appointments import Booking_Taken as Taken

from gudok.host import host

__all__ = [
    "Appointment", "Booked", "Booking", "Slot", "Status", "Taken", "Visitor",
    "book", "cancel", "find", "mine", "reschedule",
]  # fmt: skip

Booking = Booked | Taken
"""`Booked(appointment)` may be told to the caller; `Taken()` means that somebody was quicker."""

_find = host(appointments.find)
_book = host(appointments.book)
_cancel = host(appointments.cancel)
reschedule = host(appointments.reschedule)
mine = host(appointments.mine)


def find(
    *,
    service: str | None = None,
    doctor: str | None = None,
    date_from: str | None = None,
    date_to: str | None = None,
    time_from: str | None = None,
    time_to: str | None = None,
    limit: int = 0,
) -> list[Slot]:
    """Free times that fit, earliest first. What is `None` is open; services and doctors are given by id; limit 0 = 3."""
    return _find(appointments.SlotQuery(service, doctor, date_from, date_to, time_from, time_to, limit))


def book(slot_id: str, *, phone: str, person: str = "", animal: str = "", reason: str = "") -> Booking:
    """Take a free time. `match` on `Booked(appointment)` and `Taken()`."""
    return _book(slot_id, Visitor(phone, person, animal, reason))


def cancel(appointment_id: str, reason: str = "") -> None:
    """`reason` in the caller's words."""
    _cancel(appointment_id, reason)
