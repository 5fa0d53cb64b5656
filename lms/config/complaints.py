"""What msgspec has against a value, in the words of somebody who set it. Pure."""

import re

_EXPECTED = re.compile(r"Expected `(?P<kinds>[^`]+)`(?: (?P<bound>[<>]=?) (?P<limit>\S+))?")
_FIELD = re.compile(r" - at `\$\.(?P<field>[^`]+)`$")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<field>[^`]+)`")
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "on or off",
    "str": "a text",
    "array": "a list",
    "object": "an object",
}
_BOUNDS = {"<=": "of at most", "<": "below", ">=": "of at least", ">": "over"}


def in_words(complaint: str) -> str:
    """Which setting is wrong, and what it takes: “port takes a whole number of at most 65535”."""
    if unknown := _UNKNOWN.match(complaint):
        return f"“{unknown['field']}” is no setting"
    field, takes = _FIELD.search(complaint), wanted(complaint)
    if field and takes:
        return f"{field['field']} takes {takes}"
    reason = complaint.partition(" - at `$")[0]
    return f"{field['field']}: {reason}" if field else reason


def wanted(complaint: str) -> str | None:
    """What a value should have been: “a whole number of at least 1”. None where msgspec does not say."""
    expected = _EXPECTED.match(complaint)
    if expected is None:
        return None
    kinds = [_KINDS.get(kind, kind) for kind in expected["kinds"].split(" | ") if kind != "null"]
    bound = f" {_BOUNDS[expected['bound']]} {expected['limit']}" if expected["bound"] else ""
    return f"{' or '.join(kinds)}{bound}"
