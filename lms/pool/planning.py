"""How models are to be loaded: what is asked for, over what is set for the model, with the memory that it will take.

Asks the catalog and reads the file of settings, so it belongs on the thread of whoever asks. What is loaded it does not
know.
"""

from pathlib import Path

import msgspec

from lms.client.control import LeaseRequest, LoadRequest
from lms.config import defaults
from lms.config.defaults import Defaults, defaults_of
from lms.config.load import LoadConfig
from lms.config.settings import Settings
from lms.errors import InvalidRequest, LmsError, ModelNotLoaded
from lms.generation.request import Sampling
from lms.pool.desired import Desired
from lms.pool.drafts import draft_for
from lms.pool.instance import Plan
from lms.pool.known import Known, Models


class Planner:
    """`defaults_file` says what is set for single models. It is read each time: what is set counts from the next load
    on. Every method raises UsageError when it is damaged.
    """

    def __init__(self, models: Models, defaults_file: Path, settings: Settings) -> None:
        self._models = models
        self._defaults_file = defaults_file
        self._settings = settings

    def asked(self, request: LoadRequest) -> Plan:
        """What somebody loads by hand. Raises ModelNotFound, AmbiguousModel, ModelDamaged, Unsupported or
        InvalidRequest when that cannot be.
        """
        set_here = self._defaults(self._models.resolve(request.model))
        return self._plan(
            request.model,
            _under(set_here, request),
            request.identifier or "",
            request.ttl_s if request.ttl_s is not None else set_here.kept.ttl_s,
            pinned=request.pinned or set_here.kept.pinned,
        )

    def just_in_time(self, request: LeaseRequest) -> Plan:
        """What a request loads that names a model. Raises as `asked`, and ModelNotLoaded where that is switched off."""
        known = self._models.resolve(request.model)
        if not self._settings.jit:
            raise ModelNotLoaded(
                f"“{known.row.key}” is not loaded, and just-in-time loading is off.",
                hint=f"Load it with: lms load {known.row.key}",
                param="model",
            )
        known.row.require_context(request.context_length)
        set_here = self._defaults(known)
        least = max(request.context_length or 0, set_here.config.context_length or 0) or None
        config = set_here.under(LoadConfig(context_length=least))
        asked_s = request.ttl_s if request.ttl_s and request.ttl_s > 0 else None
        ttl_s = asked_s or set_here.kept.ttl_s or self._settings.jit_ttl_s or None
        return self._plan(known.row.key, config, "", ttl_s, jit=True, pinned=set_here.kept.pinned)

    def again(self, wanted: Desired) -> Plan | LmsError:
        """What an earlier daemon had loaded, or why it cannot be."""
        try:
            return self._plan(wanted.key, wanted.config, wanted.identifier, wanted.ttl_s, pinned=wanted.pinned)
        except LmsError as error:
            return error

    def _plan(
        self,
        typed: str,
        config: LoadConfig,
        identifier: str,
        ttl_s: float | None,
        *,
        jit: bool = False,
        pinned: bool = False,
    ) -> Plan:
        if ttl_s is not None and ttl_s <= 0:
            raise InvalidRequest("The TTL must be more than 0 seconds.", param="ttl_s")
        known = self._models.resolve(typed)
        known.require_loadable()
        _require_fitting(known, config)
        need = self._models.need(known, config)
        draft = draft_for(known, config, config.draft_model, self._models) if config.draft_model else None
        return Plan(
            known,
            identifier,
            config,
            ttl_s,
            jit,
            need.total_bytes + (draft.need_bytes if draft else 0),
            unified=need.unified,
            cells=need.cells,
            prompt_cache_bytes=need.prompt_cache_bytes,
            draft=draft,
            context_length=need.context_length,
            pinned=pinned,
            sampling=Sampling(**msgspec.structs.asdict(self._defaults(known).sampling)),
        )

    def _defaults(self, known: Known) -> Defaults:
        return defaults_of(defaults.read(self._defaults_file), known.row.key)


def _under(set_here: Defaults, request: LoadRequest) -> LoadConfig:
    """The load config that is asked for, over what is set for the model. Raises InvalidRequest where both together
    exclude each other.
    """
    try:
        return set_here.under(request.config, request.said)
    except ValueError as error:
        raise InvalidRequest(f"{error}.", hint="lms config list shows what is set for the model.") from error


def _require_fitting(known: Known, config: LoadConfig) -> None:
    """Raises InvalidRequest for what that model has no use for."""
    known.row.require_experts(config.num_experts)
    if config.chat_template and known.row.kind == "embedding":
        raise InvalidRequest(
            f"“{known.row.key}” is an embedding model: it has no chat template.", param="chat_template"
        )
