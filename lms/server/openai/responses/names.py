"""Functions in namespaces, by the one name that a model knows each by."""

SEPARATOR = "__"


def visible(namespace: str | None, name: str) -> str:
    """`namespace__name`; the name alone outside of any namespace."""
    if not namespace:
        return name
    return f"{namespace}{name}" if namespace.endswith(SEPARATOR) else f"{namespace}{SEPARATOR}{name}"
