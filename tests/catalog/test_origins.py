"""Whose file it is, by what a hub in memory has."""

import pytest

from lms.catalog.offers import Repo, RepoFile
from lms.catalog.origins import find, queries

FILE = "Qwen3-4B-Q4_K_M.gguf"


class Hub:
    """Repos with files of the given sizes, the most liked first. `searches` are the words that it was asked for."""

    def __init__(self, **sizes: int) -> None:
        self._repos = {f"{owner.replace('_', '-')}/Qwen3-4B-GGUF": size for owner, size in sizes.items()}
        self.searches: list[str] = []
        self.looked_into: list[str] = []

    def holders(self, words: str, file_name: str, limit: int) -> list[str]:
        self.searches.append(words)
        return [name for name in self._repos if words.lower() in name.lower()]

    def repo(self, name: str, revision: str | None = None) -> Repo:
        self.looked_into.append(name)
        return Repo(name, "abc", (RepoFile(f"folder/{FILE.lower()}", self._repos[name]),))


def test_the_name_is_searched_for_and_then_what_it_begins_with() -> None:
    assert list(queries("Qwen3-4B.Instruct 2507-x")) == [
        "Qwen3-4B-Instruct-2507-x", "Qwen3-4B-Instruct-2507", "Qwen3-4B-Instruct", "Qwen3-4B"
    ]  # fmt: skip
    assert list(queries("a-b")) == ["a-b"]


def test_of_those_who_have_the_file_lm_studios_preference_decides() -> None:
    hub = Hub(most_liked=7, TheBloke=7, bartowski=7)
    assert find(hub, "Qwen3-4B", FILE, 7) == "bartowski/Qwen3-4B-GGUF"
    assert hub.searches == ["Qwen3-4B"]


def test_a_file_of_that_name_and_another_size_is_another_file() -> None:
    assert find(Hub(bartowski=8, maker=7), "Qwen3-4B", FILE, 7) == "maker/Qwen3-4B-GGUF"


@pytest.mark.parametrize("size", [7, 8])
def test_a_longer_name_than_the_repos_finds_it_too_and_no_repo_is_looked_into_twice(size: int) -> None:
    hub = Hub(maker=7)
    assert find(hub, "Qwen3-4B-mine", FILE, size) == ("maker/Qwen3-4B-GGUF" if size == 7 else None)
    assert hub.looked_into == ["maker/Qwen3-4B-GGUF"]
    assert hub.searches[:2] == ["Qwen3-4B-mine", "Qwen3-4B"]
