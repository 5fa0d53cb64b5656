"""API tokens: who may use the server where it asks for one. Only digests are on disk, so a token is shown once.

A token is `sk-lm-<8 alphanumerics>:<20 alphanumerics>`, the form that LM Studio's SDKs insist on. The first part is no
secret: it names the token in lists. The second holds 119 random bits, which nobody guesses, however fast the digest:
slow ones protect passwords that people think of, and would cost every request a tenth of a second.
"""

import hashlib
import hmac
import secrets
import string
import time
from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec

from lms.errors import LmsError, TokenNotFound, Unauthorized
from lms.paths import only_writer, write_atomically

Permission = Literal["inference", "models", "admin", "mcp"]
PERMISSIONS: tuple[Permission, ...] = get_args(Permission)

PREFIX = "sk-lm-"
_ID_LENGTH = 8
_SECRET_LENGTH = 20
_ALPHANUMERICS = string.ascii_letters + string.digits
# What is repeated of a token that is refused: enough for its owner, of no use to others.
_SHOWN_LENGTH = 10
_NOBODY = hashlib.sha256(b"").hexdigest()


class Token(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is kept of a token. `digest` is the SHA-256 of the whole, in hex; times are unix times."""

    id: str
    name: str
    digest: str
    permissions: tuple[Permission, ...]
    created_s: int
    expires_s: int | None = None

    def is_valid(self, now_s: float) -> bool:
        return self.expires_s is None or now_s < self.expires_s


class _Stored(msgspec.Struct, frozen=True):
    tokens: Annotated[tuple[Token, ...], msgspec.Meta(max_length=100_000)] = ()


def new_token(
    name: str, permissions: tuple[Permission, ...], now_s: float, expires_s: float | None = None
) -> tuple[str, Token]:
    """A token as its owner gets it, and as it is kept."""
    token_id = _alphanumerics(_ID_LENGTH)
    whole = f"{PREFIX}{token_id}:{_alphanumerics(_SECRET_LENGTH)}"
    expires = None if expires_s is None else int(expires_s)
    return whole, Token(token_id, name, _digest(whole), permissions, int(now_s), expires)


class TokenFile:
    """The tokens of one home, in a file of mode 0600. Every method may be called from any process and thread.

    Whoever only checks tokens reads the file again when it has changed, so what is made or revoked counts at once.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._by_id: dict[str, Token] = {}

    def tokens(self) -> tuple[Token, ...]:
        """All of them, the oldest first. Raises LmsError when the file is there and cannot be read."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=_Stored).tokens
        except FileNotFoundError:
            return ()
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise LmsError(
                f"The list of API tokens cannot be read: {error}.", hint=f"Mend {self._path.name}, or remove it."
            ) from error

    def add(self, token: Token) -> None:
        with only_writer(self._path):
            self._write((*self.tokens(), token))

    def remove(self, token_id: str) -> Token:
        """The token that was revoked. Raises TokenNotFound."""
        with only_writer(self._path):
            before = self.tokens()
            found = next((token for token in before if token.id == token_id), None)
            if found is None:
                raise TokenNotFound(f"No token has the id “{token_id}”.", hint="lms token list shows them.")
            self._write(tuple(token for token in before if token is not found))
            return found

    def check(self, typed: str, now_s: float | None = None) -> Token:
        """The valid token that `typed` is, found in a time that says nothing about how much of it is right.

        Raises Unauthorized.
        """
        token = self._known().get(typed[len(PREFIX) : len(PREFIX) + _ID_LENGTH])
        is_right = hmac.compare_digest(_digest(typed), token.digest if token else _NOBODY)
        if token is None or not is_right:
            raise Unauthorized(
                f"The server knows no API token “{typed[:_SHOWN_LENGTH]}***”.",
                hint="lms token create makes one, lms token list shows which there are.",
            )
        if not token.is_valid(time.time() if now_s is None else now_s):
            raise Unauthorized(f"The API token “{token.name}” has expired.", hint="lms token create makes a new one.")
        return token

    def _known(self) -> dict[str, Token]:
        seen = self._stamp()
        if seen is None or seen != self._seen:
            self._by_id = {token.id: token for token in self.tokens()}
            self._seen = seen
        return self._by_id

    def _stamp(self) -> tuple[int, int, int] | None:
        """Differs from one version of the file to the next: each is a new file under the old name."""
        try:
            there = self._path.stat()
        except OSError:
            return None
        return there.st_ino, there.st_mtime_ns, there.st_size

    def _write(self, tokens: tuple[Token, ...]) -> None:
        write_atomically(self._path, msgspec.json.encode(_Stored(tokens)))


def _alphanumerics(length: int) -> str:
    return "".join(secrets.choice(_ALPHANUMERICS) for _ in range(length))


def _digest(whole: str) -> str:
    return hashlib.sha256(whole.encode(errors="surrogatepass")).hexdigest()
