"""The input of a custom tool, which for the model is the one argument of a function."""

import msgspec


class Arguments(msgspec.Struct, frozen=True):
    input: str


def arguments(text: str) -> str:
    """The arguments of a call with that input, as JSON."""
    return msgspec.json.encode(Arguments(text)).decode()


def of(arguments: str) -> str:
    """The input in some arguments; they themselves where they are cut off, or are something else."""
    try:
        return msgspec.json.decode(arguments, type=Arguments).input
    except msgspec.DecodeError:
        return arguments
