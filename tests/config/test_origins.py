import pytest

from lms.config.origins import origin, origins


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("https://a.example", "https://a.example"),
        (" HTTP://Localhost:3000/ ", "http://localhost:3000"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("app://obsidian.md", "app://obsidian.md"),
        ("null", "null"),
        ("*", "*"),
    ],
)
def test_an_origin_is_taken_as_browsers_send_it(typed: str, sent: str) -> None:
    assert origin(typed) == sent


@pytest.mark.parametrize("typed", ["", "a.example", "https://", "https://a/b", "https://a b", "//a", "https://a?b"])
def test_what_no_browser_would_send_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="is no origin"):
        origin(typed)


def test_a_list_has_commas_between() -> None:
    assert origins("https://a, https://b,") == ("https://a", "https://b")
    assert origins("") == ()
