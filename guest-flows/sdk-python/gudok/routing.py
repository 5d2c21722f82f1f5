"""Handing the caller over to a person."""

from wit_world.imports import routing
from wit_world.imports.routing import Destination_Line as Line
from wit_world.imports.routing import QueueState
from wit_world.imports.routing import TransferOutcome_Connected as Connected
from wit_world.imports.routing import TransferOutcome_Nobody as Nobody
from wit_world.imports.routing import TransferOutcome_Refused as Refused

from gudok.host import host

__all__ = [
    "Connected", "DOCTOR", "Line", "Nobody", "OPERATOR", "QueueState", "RESULTS", "Refused", "WARD",
    "queue", "transfer",
]  # fmt: skip

OPERATOR = routing.Destination_Operator()
"""The front desk."""
DOCTOR = routing.Destination_Doctor()
WARD = routing.Destination_Ward()
RESULTS = routing.Destination_Results()

transfer = host(routing.transfer)
"""`transfer(OPERATOR, summary)` or `transfer(Line("name"), summary)`; the summary is one line for the person who takes
over. Gives `Connected()`, after which the flow may end, `Nobody()` or `Refused(why)`."""
queue = host(routing.queue)
