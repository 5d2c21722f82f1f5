"""What the caller meant. The same text at the same moment gives the same answer."""

from wit_world.imports import understanding
from wit_world.imports.understanding import Animal, Intent, IntentKind, Offered, PersonName, ServiceMention, Wish, YesNo
from wit_world.imports.understanding import DateTime_Ambiguous as Ambiguous
from wit_world.imports.understanding import DateTime_Invalid as Invalid
from wit_world.imports.understanding import DateTime_Nothing as Nothing
from wit_world.imports.understanding import DateTime_Resolved as Resolved
from wit_world.imports.understanding import DateTime_Vague as Vague

from gudok.host import host

__all__ = [
    "Ambiguous", "Animal", "Intent", "IntentKind", "Invalid", "Nothing", "Offered", "PersonName", "Resolved",
    "ServiceMention", "Vague", "Wish", "YesNo",
    "parse_animal", "parse_choice", "parse_date_time", "parse_intent", "parse_name", "parse_phone", "parse_yes_no",
]  # fmt: skip

parse_date_time = host(understanding.parse_date_time)
"""Gives `Nothing()`, `Resolved(wish)`, `Ambiguous(wishes)`, `Vague()` or `Invalid(why)`."""
parse_yes_no = host(understanding.parse_yes_no)
parse_phone = host(understanding.parse_phone)
parse_name = host(understanding.parse_name)
parse_animal = host(understanding.parse_animal)
parse_intent = host(understanding.parse_intent)
parse_choice = host(understanding.parse_choice)
"""`parse_choice(text, options)`: the index of the option that was meant, or `None`."""
