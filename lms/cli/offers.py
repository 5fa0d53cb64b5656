"""From what was typed behind `lms get` to one model on the hub: which repo, and which quantization of it.

Nobody is asked where nobody sits: of several results a script gets the candidates and exit code 2, and of several
quantizations the one that would have been proposed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lms.cli import units
from lms.cli.picker import pick
from lms.cli.session import Daemon, Session
from lms.errors import AmbiguousModel, ModelNotFound, UsageError

if TYPE_CHECKING:
    from lms.catalog.offers import FoundRepo
    from lms.client.control import DownloadRequest, OfferRow, RepoOffers


_WHOSE = {"machine": "this machine", "container": "this container", "budget": "the memory budget"}


@dataclass(frozen=True)
class Choice:
    """What is to be downloaded, and what a person is asked first, if anything."""

    request: DownloadRequest
    question: str = ""


def wanted_repo(
    session: Session, daemon: Daemon, typed: str, request: DownloadRequest, *, limit: int, yes: bool
) -> str:
    """`owner/name` or an address, as typed or as searched for, with the `@quantization` that was typed.

    Raises UsageError without words, InvalidRequest, ModelNotFound, and AmbiguousModel when nobody can be asked which
    one it is.
    """
    from lms.catalog.offers import split
    from lms.client.control import HubSearch

    words, quantization = split(typed)
    wanted = f"@{quantization}" if quantization else ""
    if "/" in words:
        return words + wanted
    if not words:
        raise UsageError("What is to be downloaded?", hint="Give words to search for, or owner/name.")
    session.output.say(f"Searching for “{words}”…")
    found = daemon.search(HubSearch(words, request.formats, limit, request.endpoint, request.token))
    if not found:
        raise ModelNotFound(f"The hub has no {_formats(request)} model for “{words}”.", hint="Try fewer words.")
    return _one_of(session, found, words, yes=yes) + wanted


def propose(session: Session, daemon: Daemon, repo: str, request: DownloadRequest, *, select: bool) -> Choice:
    """The quantization that was typed, or is chosen from a list, else what fits this machine's memory: says why."""
    from msgspec.structs import replace

    asked = replace(request, model=repo)
    if not select and (repo.rpartition("@")[2] != repo or _names_file(repo)):
        return Choice(asked)
    offers = daemon.look_up(asked)
    if not offers.offers:
        return Choice(asked)  # refused by the daemon, which knows what there is
    offer = _selected(session, offers) if select else _fitting(session, offers)
    whole = repo if "://" in repo else offers.repo
    asked = replace(asked, model=whole, file=_file(offers, offer), formats=(offer.format,))
    if offer.state == "downloading":
        session.output.say("It is on its way already.")
    if offer.state or select:
        return Choice(asked)
    return Choice(asked, f"Download {_title(offers, offer)}, {units.disk(offer.size_bytes)}?")


def _one_of(session: Session, found: list[FoundRepo], words: str, *, yes: bool) -> str:
    names = [repo.name for repo in found]
    exact = [name for name in names if _plain(name) == _plain(words)]
    best = exact or names
    if len(best) == 1:
        return best[0]
    if yes:
        session.output.say(f"Of {units.count(len(best), 'result')} this is the most downloaded: {best[0]}.")
        return best[0]
    question = f"Which one of these is “{words}”?"
    if not session.can_ask:
        raise AmbiguousModel(question, hint="Say which: lms get owner/name.", candidates=tuple(names))
    labels = [_label(repo) for repo in found]
    return names[labels.index(pick(session, question, labels, ""))]


def _fitting(session: Session, offers: RepoOffers) -> OfferRow:
    """The first that fits; if none does, the smallest. Says which, and why."""
    fitting = [offer for offer in offers.offers if offer.needs_bytes <= offers.memory_bytes]
    memory = units.memory(offers.memory_bytes)
    if not fitting:
        offer = min(offers.offers, key=lambda offer: offer.size_bytes)
        needs = units.memory(offer.needs_bytes)
        session.output.warn(f"Even the smallest needs about {needs}, and {_WHOSE[offers.memory_of]} has {memory}.")
        return offer
    offer, best = fitting[0], offers.offers[0]
    why = f", {_virtue(offers)}," if offer is best else ""
    instead = "" if offer is best else f", {_name(best)} {units.memory(best.needs_bytes)}"
    others = len(offers.offers) - 1
    more = f" --select shows {units.count(others, 'other')}." if others else ""
    needs = units.memory(offer.needs_bytes)
    whole = f"{_WHOSE[offers.memory_of]}'s {memory}"
    session.output.say(f"{_title(offers, offer)}{why} needs about {needs} of {whole}{instead}.{more}")
    return offer


def _virtue(offers: RepoOffers) -> str:
    """Why the first one is proposed where it fits, as `lms.catalog.offers.taste` has it."""
    from lms.catalog.offers import bits

    quantization = offers.offers[0].quantization
    if len(offers.offers) == 1:
        return "the only one there is"
    if quantization == "Q4_K_M":
        return "the usual balance of size and quality"
    return "the smallest with at least 4 bits" if bits(quantization) >= 4 else "the best there is"


def _selected(session: Session, offers: RepoOffers) -> OfferRow:
    width = max(len(_name(offer)) for offer in offers.offers)
    labels = [_offer_label(offer, width, offers.memory_bytes) for offer in offers.offers]
    return offers.offers[labels.index(pick(session, f"Which one of {offers.repo}?", labels, ""))]


def _offer_label(offer: OfferRow, width: int, memory_bytes: int) -> str:
    fit = "fits" if offer.needs_bytes <= memory_bytes else "does not fit"
    notes = [units.disk(offer.size_bytes), fit, *([offer.state] if offer.state else [])]
    return f"{_name(offer).ljust(width)}  {', '.join(notes)}  {offer.path.rpartition('/')[2]}"


def _file(offers: RepoOffers, offer: OfferRow) -> str | None:
    """An MLX model has no one file that stands for it."""
    return offer.path.removeprefix(f"{offers.repo}/") if offer.format == "gguf" else None


def _name(offer: OfferRow) -> str:
    return offer.quantization or offer.format.upper()


def _title(offers: RepoOffers, offer: OfferRow) -> str:
    return f"{offers.repo} {_name(offer)}"


def _label(repo: FoundRepo) -> str:
    formats = ", ".join(repo.formats).upper()
    return f"{repo.name}  {formats}, {repo.downloads:,} downloads{', gated' if repo.gated else ''}"


def _plain(name: str) -> str:
    """The repo's name without what says that it is GGUF."""
    return name.rpartition("/")[2].lower().removesuffix("-gguf")


def _names_file(repo: str) -> bool:
    return repo.lower().partition("?")[0].endswith((".gguf", ".safetensors"))


def _formats(request: DownloadRequest) -> str:
    return " or ".join(name.upper() for name in request.formats)
