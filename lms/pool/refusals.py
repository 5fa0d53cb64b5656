"""Why the pool does not do what it is asked for, in words."""

from lms.client.control import LeaseRequest
from lms.errors import DaemonUnreachable, IdentifierInUse, InvalidRequest, Unsupported
from lms.pool.instance import Plan


def closing() -> DaemonUnreachable:
    return DaemonUnreachable("The daemon is ending.")


def in_use(identifier: str) -> IdentifierInUse:
    return IdentifierInUse(
        f"A loaded model already has the identifier “{identifier}”.",
        hint="Choose another one, or unload it first.",
        param="identifier",
    )


def loaded_otherwise(plan: Plan, reason: str) -> IdentifierInUse:
    return IdentifierInUse(
        f"“{plan.identifier}” is loaded already, {reason}.",
        hint=f"Unload it first (lms unload {plan.identifier}), or load a second instance without --reuse.",
    )


def too_short(plan: Plan, context_length: int, request: LeaseRequest) -> InvalidRequest:
    return InvalidRequest(
        f"“{plan.identifier or plan.key}” is loaded with a context of {context_length} tokens, and "
        f"{request.context_length} are asked for.",
        hint="Unload it first, or ask for less.",
        param="context_length",
    )


def sees_nothing(plan: Plan, picture: str) -> Unsupported:
    return Unsupported(
        f"“{picture}” is a picture, and “{plan.identifier or plan.key}” sees none.",
        hint="Use a model with a vision projector (“vision” in lms ls --json), or leave the picture out.",
        param=picture,
    )


def wrong_kind(plan: Plan) -> InvalidRequest:
    is_one = "an embedding model: it cannot generate text" if plan.embedding else "no embedding model"
    return InvalidRequest(f"“{plan.identifier or plan.key}” is {is_one}.", param="model")
