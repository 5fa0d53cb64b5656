"""Draft models: which may guess for which model, and what that takes. Pure.

LM Studio says nothing where a draft model is of no use; here the request is refused with the reason.
"""

from dataclasses import dataclass

from lms.config.load import LoadConfig
from lms.errors import InvalidRequest, LmsError, Unsupported
from lms.generation.request import DraftModel
from lms.pool.known import Known, Models

PARAM = "draft_model"


@dataclass(frozen=True)
class Draft:
    """A draft model for a certain model. `need_bytes` is the memory that it takes in that model's engine."""

    known: Known
    need_bytes: int

    @property
    def model(self) -> DraftModel:
        """What the engine is told."""
        return DraftModel(self.known.row.key, str(self.known.file))


def draft_for(beside: Known, config: LoadConfig, typed: str, models: Models) -> Draft:
    """The draft model that `typed` means, for `beside` loaded with `config`.

    Raises ModelNotFound, AmbiguousModel, ModelDamaged, InvalidRequest or Unsupported when there is none that can help.
    """
    try:
        known = models.resolve(typed)
        known.require_loadable()
        require_partners(beside, known)
    except LmsError as error:
        error.param = PARAM
        raise
    alone = LoadConfig(
        context_length=config.context_length,
        parallel=config.parallel,
        k_cache_type=config.k_cache_type,
        v_cache_type=config.v_cache_type,
        prompt_cache_mb=0,
    )
    return Draft(known, models.need(known, alone).model_bytes)


def require_partners(beside: Known, draft: Known) -> None:
    """Raises InvalidRequest or Unsupported unless `draft` can guess for `beside`."""
    for known in (beside, draft):
        if known.row.kind == "embedding":
            raise InvalidRequest(f"“{known.row.key}” is an embedding model: it cannot generate text.")
        if known.has_state:
            raise Unsupported(
                f"“{known.row.key}” sums up what it has read and cannot take a wrong guess back: "
                "draft models do not work with it.",
                hint="Ask without draft_model.",
            )
    if not beside.vocabulary or beside.vocabulary != draft.vocabulary:
        raise InvalidRequest(
            f"“{draft.row.key}” cannot be the draft model of “{beside.row.key}”: their vocabularies differ.",
            hint="Take a smaller model of the same family.",
        )
