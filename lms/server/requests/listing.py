"""What a list of models may be asked for in its query string."""

from collections.abc import Mapping

import msgspec

from lms.server.requests.fields import converted


class ModelsQuery(msgspec.Struct, frozen=True):
    """`all`: also what is not loaded, where requests load no models."""

    all: bool = False


def wants_all(query: Mapping[str, str]) -> bool:
    """Raises InvalidRequest naming what is wrong."""
    return converted(dict(query), ModelsQuery, strict=False).all
