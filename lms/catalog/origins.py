"""Where on the hub a file on this disk has come from: whose repo has one of that name and size."""

import re
from collections.abc import Iterator
from typing import Protocol

from lms.catalog.offers import Repo

# As LM Studio prefers them among those that have the same file.
PREFERRED = ("lmstudio-community", "bartowski", "TheBloke")
MOST_QUERIES = 4
LEAST_LETTERS = 3
LISTED = 50
LOOKED_INTO = 5


class Hub(Protocol):
    """`lms.catalog.hub.Hub`, as far as it is asked here."""

    def repo(self, name: str, revision: str | None = None) -> Repo: ...
    def holders(self, words: str, file_name: str, limit: int) -> list[str]: ...


def find(hub: Hub, name: str, file_name: str, size_bytes: int) -> str | None:
    """The repo, as `owner/name`, that has that file; `name` is what the model seems to be called. None without one.

    Raises as the hub does.
    """
    seen: set[str] = set()
    for words in queries(name):
        holders = [repo for repo in hub.holders(words, file_name, LISTED) if repo not in seen]
        seen.update(holders)
        for repo in sorted(holders, key=_preference)[:LOOKED_INTO]:
            if _has(hub.repo(repo), file_name, size_bytes):
                return repo
    return None


def queries(name: str) -> Iterator[str]:
    """What to search for: the name, and then ever shorter beginnings of it."""
    words = re.split(r"[-._\s]+", name)
    for left in range(len(words), max(0, len(words) - MOST_QUERIES), -1):
        if len(query := "-".join(words[:left])) >= LEAST_LETTERS:
            yield query


def _preference(repo: str) -> int:
    owner = repo.partition("/")[0]
    return PREFERRED.index(owner) if owner in PREFERRED else len(PREFERRED)


def _has(repo: Repo, file_name: str, size_bytes: int) -> bool:
    return any(
        file.size_bytes == size_bytes and file.path.rpartition("/")[2].lower() == file_name.lower()
        for file in repo.files
    )
