"""Arguments in Gemma's notation: what may be written is read as JSON that is valid against the schema."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lms.errors import Unsupported
from lms.generation.messages import Tool, ToolChoice
from lms.text.constraints import Constraints
from lms.text.guide import ByteVocabulary
from lms.text.toolcalls.gemma import GEMMA
from tests.text.test_form import follows, form, guide, read, request, wander


@pytest.fixture(scope="module")
def constraints() -> Iterator[Constraints]:
    made = Constraints(ByteVocabulary())
    yield made
    made.close()


def fields(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def drawn(constraints: Constraints, schema: dict[str, Any], seed: int) -> Any:
    asked = request(ToolChoice(required=True, name="f"), (Tool("f", None, schema),))
    [(_, arguments)] = read(form(GEMMA), asked, wander(guide(constraints, form(GEMMA), asked), seed))
    return json.loads(arguments)


def accepts(constraints: Constraints, schema: dict[str, Any], arguments: str) -> bool:
    asked = request(ToolChoice(required=True, name="f"), (Tool("f", None, schema),))
    call = f"<|tool_call>call:f{arguments}<tool_call|>"
    return follows(guide(constraints, form(GEMMA), asked), call) == call


@pytest.mark.parametrize("seed", range(12))
def test_what_is_drawn_is_valid(constraints: Constraints, seed: int) -> None:
    step = fields("to", to={"enum": ["a", 1, None, ["x"]]}, size={"type": ["integer", "null"], "minimum": 3})
    schema = fields(
        "path", path={"type": "array", "items": step, "minItems": 1, "maxItems": 3}, exact={"const": {"k": True}}
    )
    found = drawn(constraints, schema, seed)
    assert set(found) <= {"path", "exact"}
    assert found.get("exact", {"k": True}) == {"k": True}
    assert 1 <= len(found["path"]) <= 3
    for made in found["path"]:
        assert made["to"] in ("a", 1, None, ["x"])
        assert made.get("size") is None or made["size"] >= 3


def test_members_come_in_the_order_of_the_alphabet_and_may_be_left_out(constraints: Constraints) -> None:
    schema = fields("b", c={"type": "boolean"}, b={"type": "string"}, a={"type": "number"})
    for accepted in ('{b:<|"|>x<|"|>}', '{a:1.5,b:<|"|><|"|>}', '{b:<|"|>{a:1}, "<|"|>,c:true}'):
        assert accepts(constraints, schema, accepted)
    for refused in ("{}", '{c:true,b:<|"|>x<|"|>}', "{b:x}", '{b:<|"|>x<|"|>,d:1}', '{b:<|"|>x<|"|>,}'):
        assert not accepts(constraints, schema, refused)


def test_a_schema_may_refer_to_its_own_parts(constraints: Constraints) -> None:
    node = fields("left", left={"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]})
    schema = fields("tree", tree={"$ref": "#/$defs/node"}) | {"$defs": {"node": node}}
    assert accepts(constraints, schema, "{tree:{left:{left:null}}}")
    assert not accepts(constraints, schema, "{tree:{left:{}}}")


def test_an_object_may_have_any_members_or_members_of_one_kind(constraints: Constraints) -> None:
    assert accepts(constraints, {"type": "object"}, '{a:{b:[1,<|"|>x<|"|>,null]},c:{}}')
    numbers = fields("m", m={"type": "object", "additionalProperties": {"type": "integer"}})
    assert accepts(constraints, numbers, "{m:{a:1,b:2}}")
    assert not accepts(constraints, numbers, "{m:{a:true}}")
    assert accepts(constraints, fields("list", list={"type": "array", "maxItems": 0}), "{list:[]}")
    assert accepts(constraints, fields("any", any=True), "{any:[[]]}")


@pytest.mark.parametrize(
    ("schema", "keyword"),
    [
        ({"type": "string", "pattern": "a+"}, "pattern"),
        ({"type": "string", "minLength": 2}, "minLength"),
        ({"type": "array", "uniqueItems": True}, "uniqueItems"),
        ({"oneOf": [{"type": "string"}, {"type": "null"}]}, "oneOf"),
        ({"anyOf": [{"type": "object"}], "required": ["a"]}, "anyOf"),
        ({"$ref": "#/$defs/missing"}, "#/$defs/missing"),
        (False, "false"),
    ],
)
def test_a_keyword_that_cannot_be_enforced_is_refused_by_its_name(schema: Any, keyword: str) -> None:
    tool = Tool("f", None, fields("a", a=schema))
    with pytest.raises(Unsupported, match=keyword.replace("$", r"\$")) as refused:
        form(GEMMA).bound(request(ToolChoice(required=True), (tool,)), "")
    assert refused.value.param == "tools"
