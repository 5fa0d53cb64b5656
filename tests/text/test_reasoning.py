import pytest

from lms.text.reasoning import COMMAND, THINK, Markers, markers_for


@pytest.mark.parametrize(
    ("source", "markers"),
    [
        ("{{ content.split('</think>')[-1] }}", THINK),
        ("[THINK]{{ x }}[/THINK]", Markers("[THINK]", "[/THINK]")),
        ("<seed:think>{{ x }}</seed:think>", Markers("<seed:think>", "</seed:think>")),
        ("<|START_THINKING|>{{ x }}<|END_THINKING|>", COMMAND),
        ("<|channel>thought\n{{ x }}<channel|>", Markers("<|channel>thought", "<channel|>")),
        ("<mm:think>{{ x }}</mm:think>", Markers("<mm:think>", "</mm:think>")),
        ("I think so", None),
    ],
)
def test_the_template_says_which_markers_its_model_writes(source: str, markers: Markers | None) -> None:
    assert markers_for(source) == markers


@pytest.mark.parametrize(
    ("prompt", "is_open"),
    [
        ("<|assistant|>\n<think>\n", True),
        ("<|assistant|>\n<think>", True),
        ("<|assistant|>\n<think>\n\n</think>\n\n", False),
        ("<think> is a tag<|assistant|>", False),
    ],
)
def test_a_prompt_that_ends_with_the_start_marker_leaves_reasoning_open(prompt: str, is_open: bool) -> None:
    assert THINK.left_open_by(prompt) is is_open
