"""The clinic's questions and answers."""

from wit_world.imports import faq
from wit_world.imports.faq import Entry, Hit

from gudok.host import host

__all__ = ["Entry", "Hit", "entries", "find"]

find = host(faq.find)
entries = host(faq.entries)
