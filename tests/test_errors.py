import ast
import re
from pathlib import Path

import pytest

import lms
from lms import errors
from lms.errors import LmsError, from_wire, to_wire, tree

KINDS = list(tree())


def drawn_tree() -> dict[str, str]:
    """Child to parent, as the picture in the module's docstring has it: four columns a level."""
    parents, path = {}, ["LmsError"]
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"    ((?:[│ ]   )*)[├└]── (\w+)  +\S", line)
        if found:
            depth = len(found[1]) // 4 + 1
            path = [*path[:depth], found[2]]
            parents[path[depth]] = path[depth - 1]
    return parents


def test_the_picture_of_the_tree_is_the_tree() -> None:
    assert drawn_tree() == {kind.__name__: kind.__base__.__name__ for kind in KINDS[1:] if kind.__base__}


def test_every_class_has_a_code_of_its_own() -> None:
    assert len({kind.code for kind in KINDS}) == len(KINDS)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", kind.code) for kind in KINDS)


def test_the_tree_grows_in_no_other_file() -> None:
    names = {kind.__name__ for kind in KINDS}
    elsewhere = [
        f"{path.name}: {node.name}"
        for path in Path(lms.__file__).parent.rglob("*.py")
        if path != Path(errors.__file__)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and names & {ast.unparse(base).split(".")[-1] for base in node.bases}
    ]
    assert elsewhere == []


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_survives_the_border_between_processes(kind: type[LmsError]) -> None:
    error = kind("It failed.", hint="Try again.", param="messages[0].content", candidates=("a", "b"))
    arrived = from_wire(to_wire(error))
    assert type(arrived) is kind
    assert vars(arrived) == vars(error)


@pytest.mark.parametrize("kind", KINDS)
def test_what_an_error_does_not_carry_is_not_sent(kind: type[LmsError]) -> None:
    assert to_wire(kind("It failed.")) == {"code": kind.code, "message": "It failed."}
    assert vars(from_wire(to_wire(kind("It failed.")))) == vars(kind("It failed."))


def test_an_error_of_a_newer_build_keeps_its_text() -> None:
    arrived = from_wire({"code": "from_the_future", "message": "It failed.", "hint": "Wait."})
    assert type(arrived) is LmsError
    assert str(arrived) == "It failed. Wait."


def test_an_error_without_fields_still_says_something() -> None:
    assert from_wire({}).message


def test_an_error_prints_its_message_and_its_hint() -> None:
    assert str(LmsError("It failed.")) == "It failed."
    assert str(LmsError("It failed.", hint="Try again.")) == "It failed. Try again."
