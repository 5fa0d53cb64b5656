"""The daemon of another machine, asked through its HTTP server, which hands on what an administrator's token asks."""

from dataclasses import dataclass

import httpx
import msgspec

import lms
from lms.client.calls import LIMITS, TIMEOUT, DaemonCalls
from lms.errors import DaemonFailed, DaemonUnreachable, HostUnreachable, LmsError, Unauthorized, Unsupported

TOKEN_VARIABLE = "LM_API_TOKEN"
_TOKEN_HINT = (
    f"There, lms token create --allow admin --allow inference makes one; here, {TOKEN_VARIABLE} is to hold it."
)


@dataclass(frozen=True)
class Place:
    """Where an HTTP server is: a name or an address, and a port."""

    host: str
    port: int

    @property
    def url(self) -> str:
        return f"http://{self}"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class _Greeting(msgspec.Struct, frozen=True):
    lmstudio: bool


class RemoteClient(DaemonCalls):
    """Every method raises HostUnreachable when nobody answers there, and the LmsError that was answered.

    The token is shown only to who has greeted as a server of this kind does. It goes over the network as it is.
    """

    def __init__(self, place: Place, token: str | None) -> None:
        self._place = place
        self._has_token = token is not None
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # No proxies, and no root certificates, which take 20 ms to load.
        http = httpx.Client(
            base_url=f"{place.url}/internal",
            headers=headers,
            timeout=TIMEOUT,
            limits=LIMITS,
            verify=False,
            trust_env=False,
        )
        super().__init__(http, place.url)

    def skew(self) -> str | None:
        """A warning when another version of this program runs there, else None."""
        version = self._version or self.status().version
        if version == lms.__version__:
            return None
        return f"{self._place} runs lms {version}, this is {lms.__version__}: they may misunderstand each other."

    def shutdown(self) -> None:
        """Raises Unsupported: a daemon is ended on its own machine."""
        raise Unsupported("A daemon is ended on its own machine.", hint="There: lms daemon down.")

    def _knock(self) -> None:
        greeting = httpx.get(f"{self._root}/lmstudio-greeting", timeout=TIMEOUT, verify=False, trust_env=False)
        try:
            greets = greeting.is_success and msgspec.json.decode(greeting.content, type=_Greeting).lmstudio
        except msgspec.DecodeError:
            greets = False
        if not greets:
            raise HostUnreachable(
                f"Something answers at {self._place}, but it is no lms server.",
                hint="--port, or the port in LMS_HOST, is to be the one that lms server status shows there.",
            )

    def _unreachable(self, error: Exception) -> HostUnreachable:
        if isinstance(error, OSError | httpx.ConnectError | httpx.ConnectTimeout):
            return HostUnreachable(
                f"Nobody answers at {self._place}.",
                hint="Is the server on? There: lms server start --require-auth --bind 0.0.0.0",
            )
        return HostUnreachable(
            f"{self._place} does not answer any more.", hint="lms server status shows there whether it is on."
        )

    def _of_another_build(self) -> DaemonFailed:
        if self._version:
            return DaemonFailed(
                f"{self._place} runs lms {self._version}, this is {lms.__version__}: they do not get on.",
                hint="Have the same version on both machines.",
            )
        return DaemonFailed(
            f"{self._place} is no lms server, or one of a version that other machines cannot use.",
            hint=f"This is lms {lms.__version__}: have the same there. LM Studio itself cannot be used so.",
        )

    def _error(self, response: httpx.Response) -> LmsError:
        error = super()._error(response)
        if isinstance(error, Unauthorized):
            found = f"does not know the API token in {TOKEN_VARIABLE}" if self._has_token else "asks for an API token"
            return Unauthorized(f"{self._place} {found}.", hint=_TOKEN_HINT)
        if isinstance(error, DaemonUnreachable):
            return HostUnreachable(f"The server at {self._place} has lost its daemon.", hint="Start it there again.")
        return error
