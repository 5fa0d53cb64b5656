"""Conversations with pictures, for templates that take texts."""

import pytest

from lms.generation.messages import Image, Message, Part, Text, pictures_in
from lms.generation.request import ChatPrompt
from lms.text.pictures import marked
from lms.text.template import ChatTemplate

CAT, DOG = Image(b"cat"), Image(b"dog")


WANTS_PARTS = """\
{%- for message in messages -%}
{{ message.role }}: {% for part in message.content -%}
{%- if part.type == 'text' -%}{{ part.text }}{%- elif part.type == 'image' -%}<image>{%- endif -%}
{%- endfor %};
{%- endfor -%}
"""


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ((Text("What is this?"), CAT), "What is this?*"),
        ((CAT, Text("What is this?")), "*What is this?"),
        ((Text("one"), Text("two"), CAT, Text("three"), Text("four")), "one\ntwo*three\nfour"),
        ((CAT, DOG), "**"),
        ((Text(""), Text("two")), "\ntwo"),
    ],
)
def test_a_marker_stands_where_the_picture_is(parts: tuple[Part, ...], text: str) -> None:
    assert marked([Message("user", parts)], "*") == (Message("user", text),)


def test_texts_and_the_rest_of_a_message_stay() -> None:
    messages = (Message("system", "s"), Message("tool", (Text("seen"), DOG), tool_call_id="1", name="look"))
    assert marked(messages, "*")[1] == Message("tool", "seen*", tool_call_id="1", name="look")
    assert marked(messages, "*")[0] is messages[0]


def test_a_template_that_reads_lists_of_parts_gets_them() -> None:
    template = ChatTemplate(WANTS_PARTS, "", "")
    prompt = ChatPrompt(
        marked((Message("system", "Be brief."), Message("user", (Text("What is "), CAT, Text("?")))), "*")
    )
    assert template.render(prompt) == "system: Be brief.;user: What is *?;"


def test_pictures_come_in_their_order() -> None:
    messages = (Message("user", (DOG, Text("and"), CAT)), Message("assistant", "yes"), Message("user", (CAT,)))
    assert pictures_in(messages) == (DOG, CAT, CAT)
