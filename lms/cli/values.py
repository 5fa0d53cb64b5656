"""What may stand behind an option, refused in plain words: Typer's own numbers complain in pydantic's."""

from collections.abc import Sequence

from lms.errors import UsageError

MOST_INT32 = 2**31 - 1


def whole_number(option: str, typed: str, least: int, most: int, *, also: str = "") -> int:
    """The number that `typed` is. `also` names a word that the option takes too. Raises UsageError."""
    word = typed.strip()
    # Python refuses to read thousands of digits.
    if word.isascii() and word.isdecimal() and len(word) < 100 and least <= int(word) <= most:
        return int(word)
    words = f"{also} or a number" if also else "a number"
    raise UsageError(f"{option} takes {words} from {least} to {most}, not “{typed}”.")


def one_of(option: str, typed: str, words: Sequence[str]) -> str:
    """The one of `words` that `typed` is, in any case. Raises UsageError."""
    for word in words:
        if word.lower() == typed.strip().lower():
            return word
    raise UsageError(f"{option} takes {', '.join(words[:-1])} or {words[-1]}, not “{typed}”.")
