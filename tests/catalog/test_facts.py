import pytest

from lms.catalog.facts import Facts, clean_name, joined, mentions_tools, params_label


@pytest.mark.parametrize(
    ("params", "label"),
    [
        (0, None),
        (42, "42"),
        (900_000, "900K"),
        (1_050_000, "1.1M"),
        (494_032_768, "494M"),
        (1_543_714_304, "1.5B"),
        (8_030_261_248, "8B"),
        (70_553_706_496, "71B"),
        (999_999_999, "1B"),
        (9_990_000_000, "10B"),
    ],
)
def test_parameters_are_written_as_people_do(params: int, label: str | None) -> None:
    assert params_label(params) == label


def test_shards_join_their_weights_and_their_damage() -> None:
    shards = [Facts(arch="llama", params=5), Facts(params=7, damaged="cut off")]
    assert joined(shards) == Facts(arch="llama", params=12, damaged="cut off")


@pytest.mark.parametrize(("template", "expected"), [("{% if tools %}", True), ("tool_calls", False), ("", False)])
def test_a_template_with_tools_mentions_them(template: str, expected: bool) -> None:
    assert mentions_tools(template) is expected


@pytest.mark.parametrize(("name", "expected"), [(None, None), ("  a b ", "a b"), ("..", None), ("x" * 101, None)])
def test_only_names_that_say_something_are_shown(name: str | None, expected: str | None) -> None:
    assert clean_name(name) == expected
