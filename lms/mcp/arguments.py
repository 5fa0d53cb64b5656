"""Whether the arguments of a call are what the tool's JSON schema asks for."""

from typing import Any

from jsonschema.exceptions import SchemaError, best_match
from jsonschema.validators import validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable


def complaint(arguments: dict[str, Any], schema: dict[str, Any]) -> str | None:
    """What is wrong with `arguments`, None where nothing is. A schema that is wrong itself, or lies elsewhere, says
    nothing: the tool's own server will.
    """
    try:
        kind = validator_for(schema)
        kind.check_schema(schema)
        errors = kind(schema, registry=Registry()).iter_errors(arguments)  # which looks nothing up on the network
        found = best_match(errors)  # type: ignore[no-untyped-call]
    except (SchemaError, Unresolvable, RecursionError):
        return None
    if found is None:
        return None
    return f"{found.json_path}: {found.message}" if found.path else str(found.message)
