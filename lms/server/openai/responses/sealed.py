"""Reasoning in `encrypted_content`, for clients that keep the conversation themselves and send it back as they got it.

There is nobody to keep it secret from: the same item shows the text. It is opaque only so that clients leave it alone.
"""

import binascii

from lms.errors import InvalidRequest

_MARK = "lms1."


def seal(text: str) -> str:
    """The mark, and `text` in base64."""
    return _MARK + binascii.b2a_base64(text.encode(), newline=False).decode("ascii")


def opened(content: str, param: str) -> str:
    """What `seal` was given. Raises InvalidRequest naming `param` for what another server has made."""
    mark, text = content[: len(_MARK)], content[len(_MARK) :]
    try:
        if mark == _MARK:
            return binascii.a2b_base64(text, strict_mode=True).decode()
    except ValueError:
        pass
    raise InvalidRequest(f"“{param}” was not made by this server, which cannot read it.", param=param)
