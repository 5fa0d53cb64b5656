"""A page of a response's input: https://platform.openai.com/docs/api-reference/responses/input-items."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from lms.errors import InvalidRequest
from lms.server.requests.fields import converted


class Page(msgspec.Struct, frozen=True):
    """So many items, behind the one with the id `after`."""

    after: str | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    order: Literal["asc", "desc"] = "desc"


def page(query: Mapping[str, str]) -> Page:
    """The page that a query string asks for. Raises InvalidRequest naming the parameter."""
    return converted(dict(query), Page, strict=False)


def body(items: list[dict[str, Any]], asked: Page) -> dict[str, Any]:
    """The list object. Raises InvalidRequest when no item has the id `after`."""
    ordered = items if asked.order == "asc" else items[::-1]
    rest = ordered[_place(ordered, asked.after) :]
    shown = rest[: asked.limit]
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": len(rest) > len(shown),
    }


def _place(items: list[dict[str, Any]], after: str | None) -> int:
    if after is None:
        return 0
    for index, item in enumerate(items):
        if item["id"] == after:
            return index + 1
    raise InvalidRequest(f"No item of this response has the id “{after}”.", param="after")
