"""Whose web pages may call the server: origins, as browsers send them (https://www.rfc-editor.org/rfc/rfc6454#section-6).

“*” stands for every page.
"""

import re

ANY = "*"

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#,]+")


def origin(typed: str) -> str:
    """`typed` as a browser sends it: in lower case, without a path. Raises ValueError when it is no origin."""
    word = typed.strip().lower().removesuffix("/")
    if word in (ANY, "null") or _ORIGIN.fullmatch(word):
        return word
    raise ValueError(f"“{typed}” is no origin: write https://host, https://host:port, or * for all")


def origins(typed: str) -> tuple[str, ...]:
    """A list with commas between; empty for none. Raises ValueError."""
    return tuple(origin(word) for word in typed.split(",") if word.strip())
