"""Who guesses for which sequence, how much of it a pass verifies, and what came of it.

A sequence has up to three sources of guesses: what its constraint makes come next, where that can be one text only
(`Guide`), what its own text repeats (`NgramLookup`), and the draft model that its request named (`Drafter`). Each has
an account of its own (`Trust`), and the one guesses that promises most for what it costs: the first two cost nothing
but verifying, a draft model also its own passes. Where a text repeats that is the look-up, elsewhere the model.
"""

from collections.abc import Sequence as Tokens
from dataclasses import dataclass, replace
from typing import Protocol

from lms.config.load import MOST_DRAFTED
from lms.engine.balance import Balance
from lms.engine.draft_model import NO_EFFORT, Drafter, Proposal, Wanted
from lms.engine.model import Chunk, Guide
from lms.engine.pass_cost import PassCost
from lms.engine.sequence import Sequence
from lms.engine.speculation import IN_GRAMMAR, IN_LOOKUP, IN_MODEL, NO_OFFER, NgramLookup, Offer, Trust, allot

# llama.cpp's groups have four tokens.
MOST_FILLED = 3

Plan = list[tuple[Sequence, Chunk]]


class Source(Protocol):
    """Knows what may come next in one sequence."""

    def guess(self, most: int) -> tuple[int, ...]:
        """Up to `most` tokens."""


@dataclass(eq=False)
class _Account:
    """What may guess for one sequence, and how far each is trusted.

    `free` are the sources whose guesses cost nothing. `model_trust` None: the draft model is not asked. `asked` is the
    one that guessed for the last pass, `tried` how many tokens it found or computed, `drafted` how many were verified.
    """

    free: list[tuple[Source, Trust]]
    model_trust: Trust | None
    asked: Trust | None = None
    tried: int = 0
    drafted: int = 0


@dataclass(frozen=True)
class _Candidate:
    """Guesses of one source for a pass: those there are, or else what the draft model is still to be asked."""

    sequence: Sequence
    account: _Account
    trust: Trust
    offer: Offer
    guess: tuple[int, ...] = ()


class Speculator:
    """Owns the drafter and every sequence's account. One thread only.

    `cost` is to be told what passes took, `effort` is what the draft model did for the last one.
    """

    def __init__(self, *, looks_up: bool = False) -> None:
        """With `looks_up` False nothing is guessed from the texts themselves."""
        self.cost = PassCost()
        self.effort = NO_EFFORT
        self._drafter: Drafter | None = None
        self._balance = Balance()
        self._model_trust = Trust(IN_MODEL)
        self._looks_up = looks_up
        self._accounts: dict[int, _Account] = {}

    def replace(self, drafter: Drafter | None) -> Drafter | None:
        """Let another draft model guess, or none. Returns the one before, which no sequence may use any more."""
        before, self._drafter = self._drafter, drafter
        self._balance, self._model_trust = Balance(), Trust(IN_MODEL)
        return before

    @property
    def uses_drafter(self) -> bool:
        """Whether the draft model guesses for any sequence."""
        return any(account.model_trust for account in self._accounts.values())

    def begin(self, sequence: Sequence, guide: Guide | None = None, *, draft_model: bool) -> None:
        """Guess for `sequence` from now on, also by its `guide`, and with `draft_model` by the drafter."""
        if self._looks_up or draft_model:
            free = list[tuple[Source, Trust]]()
            if guide:
                free.append((guide, Trust(IN_GRAMMAR)))
            if self._looks_up:
                free.append((NgramLookup(sequence.tokens), Trust(IN_LOOKUP)))
            self._accounts[sequence.uid] = _Account(free, self._model_trust.heir() if draft_model else None)

    def begin_again(self, sequence: Sequence) -> None:
        """The tokens of `sequence` are others than before."""
        self.rest(sequence.uid)
        account = self._accounts.get(sequence.uid)
        if account:
            account.free = [
                (NgramLookup(sequence.tokens) if isinstance(source, NgramLookup) else source, trust)
                for source, trust in account.free
            ]

    def rest(self, uid: int) -> None:
        """The sequence does not run for now."""
        if self._drafter is not None:
            self._drafter.release(uid)

    def end(self, uid: int) -> None:
        """The sequence is gone."""
        self.rest(uid)
        account = self._accounts.pop(uid, None)
        if account and account.model_trust:
            self._model_trust = account.model_trust

    def clear(self) -> None:
        """All sequences are gone, and what is in memory is not known, of the draft model neither."""
        for uid in list(self._accounts):
            self.end(uid)
        if self._drafter is not None:
            self._drafter.clear()

    def with_drafts(self, planned: Plan, room: int, most_read: int) -> Plan:
        """The plan, with at most `room` tokens of drafts for the answers whose next tokens can be guessed.

        The draft model reads at most `most_read` tokens for that.
        """
        self.effort = NO_EFFORT
        self._balance.tick()
        if not self._accounts:
            return planned
        running = len(planned)
        candidates = [self._candidate(sequence, running) for sequence, _ in planned]
        offers = [candidate.offer if candidate else NO_OFFER for candidate in candidates]
        lengths = allot(offers, running, room, lambda drafted: self.cost.drafted(running, drafted))
        chosen = [(candidate, length) for candidate, length in zip(candidates, lengths, strict=True) if candidate]
        drafts = self._drafts([(candidate, length) for candidate, length in chosen if length], most_read)
        filled = self._filled(planned, drafts, room)
        return [(sequence, replace(chunk, draft=filled.get(sequence.uid, ()))) for sequence, chunk in planned]

    def took(self, running: int, drawn: int, seconds: float) -> None:
        """The last pass, in which so many sequences only went on, yielded so many tokens in all, guessing included."""
        plain_s = self.cost.plain_s(running)
        if self.effort.tried and plain_s:
            self._balance.observe(drawn / running - seconds / plain_s)

    def verified(self, uid: int, accepted: int) -> int:
        """The first so many tokens of the sequence's draft were right. Returns how many it had, fillers left out."""
        account = self._accounts.get(uid)
        if account is None:
            return 0
        for trust in filter(None, (*(trust for _, trust in account.free), account.model_trust)):
            trust.observe(account.tried if trust is account.asked else 0, accepted)
        drafted, account.asked, account.drafted = account.drafted, None, 0
        return drafted

    def _candidate(self, sequence: Sequence, running: int) -> _Candidate | None:
        account = self._accounts.get(sequence.uid)
        if account is None or not sequence.is_decoding:
            return None
        found = [self._for_free(sequence, account, running, source, trust) for source, trust in account.free]
        found.append(self._by_model(sequence, account, running))
        return max(filter(None, found), key=lambda candidate: candidate.offer.worth, default=None)

    def _for_free(
        self, sequence: Sequence, account: _Account, running: int, source: Source, trust: Trust
    ) -> _Candidate | None:
        guess = () if trust.pause_tokens else source.guess(MOST_DRAFTED)
        offer = Offer(len(guess), trust.probability, verify=self.cost.verify(running))
        return _Candidate(sequence, account, trust, offer, guess) if guess else None

    def _by_model(self, sequence: Sequence, account: _Account, running: int) -> _Candidate | None:
        trust = account.model_trust
        if trust is None or trust.pause_tokens or self._balance.pause or self._drafter is None:
            return None
        offer = Offer(MOST_DRAFTED, trust.probability, self.cost.guess(running), self.cost.verify(running))
        return _Candidate(sequence, account, trust, offer)

    def _filled(self, planned: Plan, drafts: dict[int, tuple[int, ...]], room: int) -> dict[int, tuple[int, ...]]:
        """The drafts, with tokens behind one of them that are hardly right, where the pass is quicker with them."""
        fillable = next((sequence for sequence, _ in planned if sequence.uid in self._accounts), None)
        if fillable is None or not all(sequence.is_decoding for sequence, _ in planned):
            return drafts
        running, drafted = len(planned), sum(map(len, drafts.values()))
        sizes = range(drafted, min(drafted + MOST_FILLED, room) + 1)
        added = min(sizes, key=lambda size: self.cost.drafted(running, size), default=drafted) - drafted
        return drafts | {fillable.uid: drafts.get(fillable.uid, ()) + (fillable.tokens[-1],) * added}

    def _drafts(self, chosen: list[tuple[_Candidate, int]], most_read: int) -> dict[int, tuple[int, ...]]:
        """The draft of each chosen sequence, by its uid."""
        asked = [(candidate, length) for candidate, length in chosen if not candidate.guess]
        proposals = self._propose(asked, most_read)
        drafts = {}
        for candidate, length in chosen:
            guess = candidate.guess[:length]
            proposal = Proposal(guess, len(guess)) if guess else proposals[candidate.sequence.uid]
            candidate.account.asked, candidate.account.tried = candidate.trust, proposal.tried
            candidate.account.drafted = len(proposal.tokens)
            drafts[candidate.sequence.uid] = proposal.tokens
        return drafts

    def _propose(self, asked: Tokens[tuple[_Candidate, int]], most_read: int) -> dict[int, Proposal]:
        if self._drafter is None or not asked:
            return {}
        wanted = [Wanted(candidate.sequence.uid, candidate.sequence.tokens, length) for candidate, length in asked]
        proposals = self._drafter.propose(wanted, most_read)
        self.effort = self._drafter.last
        return {one.uid: proposal for one, proposal in zip(wanted, proposals, strict=True)}
