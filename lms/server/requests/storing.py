"""`store` of the endpoints that keep their answers: whether this one is to be kept."""

from lms.errors import InvalidRequest


def is_stored(store: bool | None, keeps: bool) -> bool:
    """As the request says, else as the server does with all. Raises InvalidRequest when that keeps none, and should."""
    if store and not keeps:
        raise InvalidRequest(
            "“store” is true, and this server keeps no responses.",
            hint="The setting response_days says for how long it does.",
            param="store",
        )
    return keeps and store is not False
