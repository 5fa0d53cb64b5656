"""Lark rules for members of an object with commas between them, of which some may be left out."""

from collections.abc import Sequence
from typing import NamedTuple

from lms.text.toolcalls.layout import quoted


class Member(NamedTuple):
    """`rule` is how it is written: the name of a rule, or what may stand in its place."""

    rule: str
    is_required: bool


def listed(name: str, members: Sequence[Member], separator: str) -> list[str]:
    """The rule `name`, and others whose names begin with it, for `members` in their order."""
    last = len(members)
    rules = [f"{name}: {name}_first_0"]
    for number, member in enumerate(members):
        others = "" if member.is_required else f" | {name}_first_{number + 1}"
        optional = "" if member.is_required else "?"
        rules.append(f"{name}_first_{number}: {member.rule} {name}_rest_{number + 1}{others}")
        rules.append(f"{name}_rest_{number}: ({quoted(separator)} {member.rule}){optional} {name}_rest_{number + 1}")
    return [*rules, f'{name}_first_{last}: ""', f'{name}_rest_{last}: ""']
