"""Texts to search in and ways to cut them into pieces, for tests of what must not depend on the cut."""

from hypothesis import strategies as st


def made_of(*parts: str) -> st.SearchStrategy[str]:
    """Texts put together from `parts`, pieces of them and a few other characters: full of near misses."""
    fragments = {part[:size] for part in parts for size in range(1, len(part) + 1)}
    fragments |= {part[-size:] for part in parts for size in range(1, len(part))}
    return st.lists(st.sampled_from([*sorted(fragments), *parts * 4, " ", "\n", "x", "é"]), max_size=14).map("".join)


@st.composite
def pieces_of(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> list[str]:
    """One of `texts` in pieces, some of them empty."""
    text = draw(texts)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=12)))
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
