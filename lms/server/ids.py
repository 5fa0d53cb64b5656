"""Ids in LM Studio's form."""

import random
import string

_BASE_36 = string.digits + string.ascii_lowercase
_LENGTH = 21


def new_id(prefix: str) -> str:
    """`prefix` and 21 base-36 characters. They need no secrecy, which would cost 70 µs."""
    return prefix + "".join(random.choices(_BASE_36, k=_LENGTH))
