import pytest

from lms.errors import Unsupported
from lms.text.switches import EFFORTS, SWITCHES, switched


@pytest.mark.parametrize(
    ("name", "on", "off"),
    [
        ("thinking", True, False),
        ("reasoning", True, False),
        ("thinking_mode", "enabled", "disabled"),
        ("thinking_option", "on", "off"),
        ("thinking_budget", -1, 0),
    ],
)
def test_reasoning_is_switched_by_the_name_that_the_template_has_for_it(name: str, on: object, off: object) -> None:
    assert switched({"enable_thinking": True}, {name}, "") == {"enable_thinking": True, name: on}
    assert switched({"enable_thinking": False}, {name}, "") == {"enable_thinking": False, name: off}


def test_names_that_the_template_does_not_have_are_left_out() -> None:
    assert switched({"enable_thinking": False, "x": 1}, {"messages"}, "") == {"enable_thinking": False, "x": 1}


@pytest.mark.parametrize("name", SWITCHES)
def test_what_the_request_says_itself_stays(name: str) -> None:
    assert switched({"enable_thinking": False, name: "mine"}, {name}, "")[name] == "mine"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("reasoning_effort in ['low', 'high', 'no_think']", "no_think low low high high high high"),
        ("<|channel|> reasoning_effort", "- low low medium high high high"),
        ("reasoning_effort", "none minimal low medium high xhigh max"),
    ],
)
def test_an_effort_is_the_nearest_of_those_that_the_template_knows(source: str, words: str) -> None:
    for effort, word in zip(EFFORTS, words.split(), strict=True):
        if word != "-":
            assert switched({"reasoning_effort": effort}, {"reasoning_effort"}, source) == {"reasoning_effort": word}


@pytest.mark.parametrize(
    ("variables", "param"),
    [
        ({"reasoning_effort": "none", "enable_thinking": False}, "reasoning_effort"),
        ({"enable_thinking": False}, "enable_thinking"),
        ({"enable_thinking": False, "reasoning_effort": "low"}, "enable_thinking"),
    ],
)
def test_a_model_that_always_reasons_is_not_asked_to_do_without(variables: dict[str, object], param: str) -> None:
    with pytest.raises(Unsupported) as refused:
        switched(variables, {"reasoning_effort"}, "<|channel|>")
    assert refused.value.param == param


def test_a_template_may_have_another_name_for_the_effort() -> None:
    variables = {"enable_thinking": True, "reasoning_effort": "medium"}
    assert switched(variables, {"thinking", "thinking_effort"}, "")["thinking_effort"] == "high"
    off = {"enable_thinking": False, "reasoning_effort": "none"}
    assert "thinking_effort" not in switched(off, {"thinking", "thinking_effort"}, "")
