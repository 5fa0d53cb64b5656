"""Constraints over a vocabulary of bytes, followed by random answers; JSON is judged by a validator of its own."""

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from lms.errors import InvalidRequest
from lms.generation.constraint import Constraint, Grammar, JsonSchema, Regex
from lms.generation.messages import Tool
from lms.text.constraints import Constraints
from lms.text.frames import frame_around
from lms.text.guide import ByteVocabulary, Guide
from lms.text.reasoning import THINK
from lms.text.toolcalls.hermes import HERMES

END = 256
PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 8},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 3},
    },
    "required": ["name", "age", "tags"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def constraints() -> Iterator[Constraints]:
    made = Constraints(ByteVocabulary())
    yield made
    made.close()


def allowed(guide: Guide) -> list[int]:
    return [token for token, forbidden in enumerate(guide.forbidden()) if not forbidden]


def wander(guide: Guide, seed: int) -> str:
    """A random answer."""
    draw, written = random.Random(seed), bytearray()
    while not guide.is_over:
        token = draw.choice(allowed(guide))
        if token == END:
            break
        guide.take(token)
        written.append(token)
    return written.decode()


def accepts(guide: Guide, text: str) -> bool:
    """Whether the whole of `text` is an answer."""
    for byte in text.encode():
        if byte not in allowed(guide):
            return False
        guide.take(byte)
    return END in allowed(guide)


def is_person(value: Any) -> bool:
    return (
        set(value) == {"name", "age", "tags"}
        and len(value["name"]) <= 8
        and value["age"] in range(151)
        and set(value["tags"]) <= {"a", "b"}
        and len(value["tags"]) <= 3
    )


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_drawn_is_valid_against_the_schema(constraints: Constraints, seed: int) -> None:
    assert is_person(json.loads(wander(constraints.guide(JsonSchema(PERSON)), seed)))


@pytest.mark.parametrize(
    "text", ['{"name": "Al", "age": 3, "tags": []}', '{\n  "name":"Al",\n  "age":3, "tags":["a"]}']
)
def test_json_may_be_laid_out_as_models_write_it(constraints: Constraints, text: str) -> None:
    assert accepts(constraints.guide(JsonSchema(PERSON)), text)


def test_white_space_does_not_go_on_for_ever(constraints: Constraints) -> None:
    assert not accepts(constraints.guide(JsonSchema(PERSON)), '{"name": "Al",' + " " * 99 + '"age": 3, "tags": []}')


@pytest.mark.parametrize("text", ["{}", '{"a": [1, null, {"b": "c"}]}'])
def test_any_object_is_one(constraints: Constraints, text: str) -> None:
    assert accepts(constraints.guide(JsonSchema({"type": "object"})), text)


def test_nothing_but_an_object_is_one(constraints: Constraints) -> None:
    assert allowed(constraints.guide(JsonSchema({"type": "object"}))) == [ord("{")]


@pytest.mark.parametrize(
    ("constraint", "right", "wrong"),
    [
        (Regex("[a-c]{2}x?"), "abx", "abc"),
        (Grammar('start: NAME "!"\nNAME: /[a-z]+/'), "hi!", "hi"),
        (Grammar('root ::= name "!"\nname ::= [a-z]+'), "hi!", "!"),
        (JsonSchema({"enum": ["ja", "nein"]}), '"nein"', '"no"'),
        (JsonSchema({"oneOf": [{"const": 1}, {"type": "string"}]}), "1", "2"),
    ],
)
def test_each_kind_of_constraint_holds(
    constraints: Constraints, constraint: Constraint, right: str, wrong: str
) -> None:
    assert accepts(constraints.guide(constraint), right)
    assert not accepts(constraints.guide(constraint), wrong)


def test_it_is_over_when_nothing_can_follow(constraints: Constraints) -> None:
    guide = constraints.guide(Regex("ab?"))
    guide.take(ord("a"))
    assert (guide.is_over, END in allowed(guide)) == (False, True)
    guide.take(ord("b"))
    assert (guide.is_over, allowed(guide)) == (True, [END])


def test_what_is_forced_is_known_ahead(constraints: Constraints) -> None:
    guide = constraints.guide(JsonSchema(PERSON))
    guide.take(ord("{"))
    guide.take(ord('"'))
    assert bytes(guide.guess(16)) == b'name"'
    assert len(guide.guess(3)) == 3


def test_answers_with_one_constraint_go_their_own_ways(constraints: Constraints) -> None:
    first, second = constraints.guide(Regex("ab|cd")), constraints.guide(Regex("ab|cd"))
    first.take(ord("a"))
    assert (allowed(first), allowed(second)) == ([ord("b")], [ord("a"), ord("c")])


@pytest.mark.parametrize(
    ("constraint", "complaint"),
    [
        (JsonSchema({"not": {"type": "string"}}, "f"), '"not"'),
        (JsonSchema({"uniqueItems": True, "type": "array", "x-guidance": {"lenient": True}}, "f"), '"uniqueItems"'),
        (JsonSchema({"type": "strin"}, "f"), "strin"),
        (JsonSchema({"$ref": "#"}, "f"), "NoExtension"),
        (JsonSchema({"$ref": "http://127.0.0.1:1/"}, "f"), "not present"),
        (JsonSchema({"type": "object", "properties": {"a": False}, "required": ["a"]}, "f"), "'a' is unsatisfiable"),
        (JsonSchema({"pattern": "^(?=a)b", "type": "string"}, "f"), "look-ahead"),
        (Regex("(", "f"), "unclosed group"),
        (Grammar("start: B", "f"), 'unknown name: "B"'),
        (Grammar("root ::= (", "f"), "line 1"),
        (Grammar("(" * 50_000, "f"), "cannot be enforced"),
    ],
)
def test_what_cannot_be_enforced_is_refused_with_the_reason(
    constraints: Constraints, constraint: Constraint, complaint: str
) -> None:
    with pytest.raises(InvalidRequest, match="“f” cannot be enforced") as caught:
        constraints.guide(constraint)
    assert complaint in caught.value.message
    assert caught.value.param == "f"
    assert "<non-verbose" not in caught.value.message


class SpacingVocabulary(ByteVocabulary):
    """Takes every text for a beginning, and puts a space before it, as SentencePiece does. Some words are tokens."""

    words = (b'{"', b' {"', b'name"', b' name"', b" ", b"am")

    def tokenize(self, text: str, *, add_special: bool) -> list[int]:
        left, tokens = b" " + text.encode(), list[int]()
        while left:
            token = max(
                (t for t in range(len(self)) if self.piece(t) and left.startswith(self.piece(t))), key=self._size
            )
            left = left[self._size(token) :]
            tokens.append(token)
        return tokens

    def piece(self, token: int) -> bytes:
        return super().piece(token) if token < 257 else self.words[token - 257]

    def __len__(self) -> int:
        return 257 + len(self.words)

    def _size(self, token: int) -> int:
        return len(self.piece(token))


@pytest.mark.parametrize("seed", range(5))
def test_a_vocabulary_that_puts_spaces_before_texts_spells_what_is_forced_without_them(seed: int) -> None:
    vocabulary, draw = SpacingVocabulary(), random.Random(seed)
    constraints = Constraints(vocabulary)
    guide, written = constraints.guide(JsonSchema(PERSON)), b""
    while not guide.is_over:
        token = draw.choice(allowed(guide))
        guide.take(token)
        written += vocabulary.piece(token)
    constraints.close()
    assert is_person(json.loads(written))


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"items": schema}
    return schema


@pytest.mark.parametrize(
    ("constraint", "complaint"),
    [
        (JsonSchema(nested(20_000), "f"), "nested more than 64 levels"),
        (JsonSchema({"enum": [f"value number {n}" for n in range(20_000)]}, "f"), "larger than"),
        (Regex("a" * 300_000, "f"), "larger than"),
    ],
    ids=["deep", "wide", "long"],
)
def test_what_is_too_large_is_refused_unseen(constraint: Constraint, complaint: str) -> None:
    unused = Constraints(ByteVocabulary())
    with pytest.raises(InvalidRequest, match=complaint):
        unused.guide(constraint)


def endless(patterns: int) -> dict[str, Any]:
    return {"allOf": [{"type": "string", "pattern": f"(a|b)*a(a|b){{{n}}}"} for n in range(1, patterns)]}


@pytest.mark.parametrize("schema", [endless(25), {"type": "integer", "multipleOf": 1_000_003}], ids=["allOf", "of"])
def test_what_takes_too_long_to_compile_is_refused_and_the_next_is_served(
    constraints: Constraints, schema: dict[str, Any]
) -> None:
    with pytest.raises(InvalidRequest, match="takes too long"):
        constraints.guide(JsonSchema(schema, "f"))
    assert accepts(constraints.guide(JsonSchema({"const": str(schema)[:8]})), json.dumps(str(schema)[:8]))


def test_a_grammar_that_grows_too_complex_on_the_way_says_so_and_leaves_only_the_end(constraints: Constraints) -> None:
    optional = {f"key{n}": {"type": "string"} for n in range(1000)}
    guide = constraints.guide(JsonSchema({"type": "object", "properties": optional}))
    guide.take(ord("{"))
    assert allowed(guide) == [END]
    assert guide.error
    assert "items" in guide.error.message
    assert not guide.is_over


CALL = '<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>'
FRAME = frame_around(THINK, HERMES.start, HERMES.grammar([Tool("f")], True))
INSIDE = frame_around(THINK, inside_reasoning=True)


@pytest.mark.parametrize(
    ("frame", "text", "right"),
    [
        ("", "7", True),
        ("", "<think>x</think>7", False),
        (FRAME, "7", True),
        (FRAME, "<think>9 < 10?</think>7", True),
        (FRAME, "<think>\nx\n</think>\n\n7", True),
        (FRAME, "<think>x</think>x", False),
        (FRAME, "<think>x", False),
        (FRAME, f"{CALL}\n{CALL}", True),
        (FRAME, f"<think>x</think>\n{CALL}", True),
        (FRAME, CALL.replace("{}", '{"a": 1}'), False),
        (INSIDE, "x</think>7", True),
        (INSIDE, "7", False),
        (INSIDE, "x</think>\n<tool_call>", False),
    ],
)
def test_reasoning_comes_before_and_calls_instead(constraints: Constraints, frame: str, text: str, right: bool) -> None:
    assert accepts(constraints.guide(Regex("[0-9]"), frame), text) == right
