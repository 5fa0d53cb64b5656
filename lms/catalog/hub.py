"""The only door to huggingface_hub: what is in a repo, which repos there are, and the bytes of a file.

Its own downloads begin anew after an interruption (2.4.0) and look at no hash. So the bytes come through its HTTP
session, with its headers, proxies and token, and `lms.downloads` does the rest.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

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
# Both are tags of the same name on the hub.
_FORMATS: tuple[OfferFormat, ...] = ("gguf", "mlx")
_AGAIN = frozenset({408, 425, 429})


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
        with _our_errors(name, self.endpoint):
            found = self._api.model_info(name, revision=revision, files_metadata=True, timeout=METADATA_TIMEOUT_S)
        if not is_repo_name(found.id):
            raise _no_hub(self.endpoint)
        files = tuple(_file(sibling) for sibling in found.siblings or ())
        return Repo(found.id, found.sha or revision or "main", files, gated=bool(found.gated))

    def search(self, words: str, formats: Sequence[OfferFormat], limit: int) -> list[FoundRepo]:
        """The most downloaded repos that `words` find, `limit` of them at most."""
        found: dict[str, FoundRepo] = {}
        with _our_errors(words, self.endpoint):
            for wanted in formats:
                listed = self._api.list_models(search=words, filter=wanted, sort="downloads", limit=limit)
                found |= {model.id: _found(model) for model in listed}
        return sorted(found.values(), key=lambda repo: -repo.downloads)[:limit]

    @contextmanager
    def opened(self, repo: str, commit: str, path: str, begin: int = 0) -> Iterator[tuple[int, Iterator[bytes]]]:
        """The bytes of a file from `begin` on, and where they really begin: 0 on a hub that knows no ranges."""
        url = hf_hub_url(repo, path, revision=commit, endpoint=self.endpoint)
        headers = build_hf_headers(token=self._token, library_name="lms", library_version=lms.__version__)
        # Compressed on the way, a file would have neither its size nor ranges.
        headers |= {"Accept-Encoding": "identity"} | ({"Range": f"bytes={begin}-"} if begin else {})
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
    except (ValueError, KeyError) as error:
        raise _no_hub(endpoint) from error
    except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL) as error:
        raise HubUnreachable(
            f"The hub at {endpoint} cannot be reached: {str(error) or type(error).__name__}.",
            hint="Are network, HTTPS_PROXY and HF_ENDPOINT as they should be?",
        ) from error


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
