"""What the flow writes down about the call."""

from wit_world.imports import notes
from wit_world.imports.notes import Outcome

from gudok.host import host

__all__ = ["Outcome", "log", "note", "set_outcome", "tag"]

tag = host(notes.tag)
note = host(notes.note)
set_outcome = host(notes.set_outcome)
log = host(notes.log)
