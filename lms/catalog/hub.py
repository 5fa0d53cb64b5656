"""The only door to huggingface_hub: what is in a repo, which repos there are, and the bytes of a file.

Its own downloads begin anew after an interruption (2.4.0) and look at no hash. So the bytes come through its HTTP
session, with its headers, proxies and token, and `lms.downloads` does the rest.
"""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeVar
from urllib.request import getproxies_environment

import httpx2
from huggingface_hub import HfApi, hf_hub_url
from huggingface_hub.constants import ENDPOINT, HF_HUB_DOWNLOAD_TIMEOUT
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import ModelInfo, RepoSibling
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status  # type: ignore[attr-defined]

import lms
from lms.catalog.offers import FoundRepo, OfferFormat, Repo, RepoFile, is_repo_name
from lms.errors import HubRefused, HubUnreachable, InvalidRequest, LmsError, ModelNotFound

METADATA_TIMEOUT_S = 20.0
CONNECT_TIMEOUT_S = 5.0
# Before a hub that is busy is asked again what it has; one that wants to be left alone for longer is.
PAUSES_S = (1.0, 3.0)
LONGEST_PAUSE_S = 10.0
# Both are tags of the same name on the hub.
_FORMATS: tuple[OfferFormat, ...] = ("gguf", "mlx")
_AGAIN = frozenset({408, 425, 429})

Answer = TypeVar("Answer")


class Hub:
    """One hub, for somebody who has that token. Safe to share between threads.

    Every method raises HubUnreachable when trying again may help, HubRefused when a token might, and ModelNotFound.
    """

    def __init__(self, endpoint: str | None = None, token: str | None = None) -> None:
        """Without them it is as huggingface_hub has it: HF_ENDPOINT, HF_TOKEN, or the token that is logged in."""
        self.endpoint = (endpoint or ENDPOINT).rstrip("/")
        self._token = token
        self._api = HfApi(endpoint=self.endpoint, token=token, library_name="lms", library_version=lms.__version__)

    def repo(self, name: str, revision: str | None = None) -> Repo:
        """Every file of a repo, with sizes and hashes, at the commit that `revision` means now."""
        ask = partial(self._api.model_info, revision=revision, files_metadata=True, timeout=METADATA_TIMEOUT_S)
        found = self._asked(name, lambda: ask(name))
        if not is_repo_name(found.id):
            raise _no_hub(self.endpoint)
        files = tuple(_file(sibling) for sibling in found.siblings or ())
        return Repo(found.id, found.sha or revision or "main", files, gated=bool(found.gated))

    def search(self, words: str, formats: Sequence[OfferFormat], limit: int) -> list[FoundRepo]:
        """The most downloaded repos that `words` find, `limit` of them at most."""
        found: dict[str, FoundRepo] = {}
        for wanted in formats:
            listed = self._listed(words, limit, filter=wanted, sort="downloads")
            found |= {model.id: _found(model) for model in listed}
        return sorted(found.values(), key=lambda repo: -repo.downloads)[:limit]

    def holders(self, words: str, file_name: str, limit: int) -> list[str]:
        """Of the `limit` most liked repos that `words` find those with a file of that name, in whatever letter case."""
        listed = self._listed(words, limit, sort="likes", full="true")
        return [model.id for model in listed if is_repo_name(model.id) and _has(model, file_name)]

    def _listed(self, words: str, limit: int, **options: str) -> list[ModelInfo]:
        """As `HfApi.list_models`, which knows no timeout and tries for 23 s to reach a hub that is not there."""
        get = partial(
            get_session().get,
            f"{self.endpoint}/api/models",
            params={"search": words, "limit": str(limit), **options},
            headers=self._headers(),
            timeout=httpx2.Timeout(METADATA_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
        )

        def ask() -> list[ModelInfo]:
            answer = get()
            hf_raise_for_status(answer)
            return [ModelInfo(**model) for model in answer.json()][:limit]  # type: ignore[no-untyped-call]

        return self._asked(words, ask)

    def _asked(self, name: str, ask: Callable[[], Answer]) -> Answer:
        """What it answers, as soon as it is not too busy to."""
        for pause_s in PAUSES_S:
            try:
                with _our_errors(name, self.endpoint):
                    return ask()
            except HubUnreachable as error:
                if not isinstance(error.__cause__, HfHubHTTPError) or error.retry_after_s > LONGEST_PAUSE_S:
                    raise
                time.sleep(max(pause_s, error.retry_after_s))
        with _our_errors(name, self.endpoint):
            return ask()

    def _headers(self) -> dict[str, str]:
        return build_hf_headers(token=self._token, library_name="lms", library_version=lms.__version__)

    @contextmanager
    def opened(self, repo: str, commit: str, path: str, begin: int = 0) -> Iterator[tuple[int, Iterator[bytes]]]:
        """The bytes of a file from `begin` on, and where they really begin: 0 on a hub that knows no ranges."""
        url = hf_hub_url(repo, path, revision=commit, endpoint=self.endpoint)
        # Compressed on the way, a file would have neither its size nor ranges.
        headers = self._headers() | {"Accept-Encoding": "identity"} | ({"Range": f"bytes={begin}-"} if begin else {})
        with (
            _our_errors(repo, self.endpoint),
            get_session().stream("GET", url, headers=headers, timeout=HF_HUB_DOWNLOAD_TIMEOUT) as response,
        ):
            hf_raise_for_status(response)
            yield (begin if response.status_code == httpx2.codes.PARTIAL_CONTENT else 0), response.iter_raw()


def _file(sibling: RepoSibling) -> RepoFile:
    if sibling.lfs:
        return RepoFile(sibling.rfilename, sibling.lfs.size, sha256=sibling.lfs.sha256)
    return RepoFile(sibling.rfilename, sibling.size or 0, git_sha1=sibling.blob_id)


def _has(model: ModelInfo, file_name: str) -> bool:
    names = (sibling.rfilename.rpartition("/")[2].lower() for sibling in model.siblings or ())
    return file_name.lower() in names


def _found(model: ModelInfo) -> FoundRepo:
    formats: list[OfferFormat] = [name for name in _FORMATS if name in (model.tags or ())]
    return FoundRepo(model.id, tuple(formats), model.downloads or 0, model.likes or 0, bool(model.gated))


@contextmanager
def _our_errors(name: str, endpoint: str) -> Iterator[None]:
    try:
        yield
    except HfHubHTTPError as error:
        raise _of_answer(error, name, endpoint) from error
    except HFValidationError as error:
        raise InvalidRequest(f"“{name}” is no name of a model on the hub.", param="model") from error
    except OfflineModeIsEnabled as error:
        raise HubRefused(
            "HF_HUB_OFFLINE forbids to ask the hub.", hint="Unset it, and start the daemon anew."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise _no_hub(endpoint) from error
    except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL) as error:
        reason = re.sub(r"^\[Errno -?\d+\] ", "", str(error)).rstrip(".") or type(error).__name__
        raise HubUnreachable(
            f"The hub at {endpoint} cannot be reached: {reason}.", hint=f"Are network and HF_ENDPOINT right? {_way()}"
        ) from error


def _way() -> str:
    """Proxies are what the environment said when this process, the daemon mostly, began."""
    names = sorted(f"{scheme}_proxy".upper() for scheme in getproxies_environment() if scheme != "no")
    if names:
        return f"The daemon goes by {', '.join(names)} of the environment that it was started in."
    return "If there is a proxy on the way, set HTTPS_PROXY and restart the daemon: lms daemon down."


def _no_hub(endpoint: str) -> HubUnreachable:
    return HubUnreachable(
        f"What answers at {endpoint} is no hub.", hint="Is HF_ENDPOINT right, and does the network ask for a login?"
    )


def _of_answer(error: HfHubHTTPError, name: str, endpoint: str) -> LmsError:
    status = error.response.status_code
    if isinstance(error, GatedRepoError):
        return HubRefused(
            f"“{name}” is gated: its makers want to know who uses it.",
            hint=f"Accept their terms at {endpoint}/{name}, then set HF_TOKEN to a token of that account.",
        )
    if isinstance(error, RevisionNotFoundError | EntryNotFoundError):
        return ModelNotFound(f"“{name}” has no such revision or file.", param="model")
    if isinstance(error, RepositoryNotFoundError):
        return ModelNotFound(
            f"The hub has no model “{name}”.",
            hint="If it is private, set HF_TOKEN to a token that may see it.",
            param="model",
        )
    if status == 404:  # of a mirror, or of something else: the hub says what it is that is not there
        return ModelNotFound(f"“{name}” is not to be found at {endpoint}.", hint="Is HF_ENDPOINT right?", param="model")
    if status in (401, 403):
        return HubRefused(
            f"The hub does not let us have “{name}”.", hint="HF_TOKEN is missing, wrong or may not read it."
        )
    if status in _AGAIN or status >= 500:
        busy = HubUnreachable(f"The hub at {endpoint} answers with status {status}.", hint="Try again later.")
        busy.retry_after_s = _retry_after_s(error)
        return busy
    return HubRefused(f"The hub refuses “{name}” with status {status}.", hint=error.server_message or None)


def _retry_after_s(error: HfHubHTTPError) -> float:
    """How long the hub wants to be left alone; 0 if it does not say, or says it as a date."""
    typed = error.response.headers.get("Retry-After", "")
    return float(typed) if typed.isdecimal() else 0.0
