"""The completion script for fish."""

from collections.abc import Iterator

from tools.cli_files.tree import Command, Option

HEAD = """\
# fish completion for lms. Written by `python -m tools.cli_files`: change the commands, not this file.

# The path of commands typed so far, options left out: `lms server start`.
function __lms_path
    set -l path lms
    for word in (commandline -opc)[2..-1]
        switch "$path $word"
            case {paths}
                set path "$path $word"
        end
    end
    echo $path
end

function __lms_at
    test (__lms_path) = "$argv"
end

complete -c lms -f
"""


def script(root: Command) -> str:
    paths = " ".join(quote(command.path) for command in list(root.walk())[1:])
    lines = [line for command in root.walk() for line in _lines(command)]
    return HEAD.format(paths=paths) + "\n".join(lines) + "\n"


def _lines(command: Command) -> Iterator[str]:
    at = f"complete -c lms -n {quote(f'__lms_at {command.path}')}"
    for child in command.children:
        yield f"{at} -a {child.name} -d {quote(child.summary)}"
    for argument in command.arguments:
        if argument.is_file:
            yield f"{at} -F"
        elif argument.source:
            yield f"{at} -a '{_names_from(argument.source)}'"
    for option in command.options:
        yield f"{at} {_names(option)}{_value(option)} -d {quote(option.help)}"


def _names(option: Option) -> str:
    return " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)


def _value(option: Option) -> str:
    if not option.metavar:
        return ""
    if option.is_file:
        return " -r -F"
    if option.source:
        return f" -x -a '{_names_from(option.source)}'"
    return f" -x -a {quote(' '.join(option.choices))}" if option.choices else " -x"


def _names_from(source: str) -> str:
    return f"(lms complete {source} 2>/dev/null)"


def quote(text: str) -> str:
    """One word of fish, whose single quotes know two escapes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
