"""The completion script for fish."""

from collections.abc import Iterator

from tools.cli_files.tree import Argument, Command, Option

HEAD = """\
# fish completion for lms. Written by `python -m tools.cli_files`: change the commands, not this file.

# The path of commands typed so far, options left out, and a line for each word behind it: `lms config set`, `server`.
function __lms_words
    set -l path lms
    set -l behind
    for word in (commandline -opc)[2..-1]
        switch "$path $word"
            case {paths}
                set path "$path $word"
                set behind
            case "$path -*"
            case '*'
                set -a behind $word
        end
    end
    printf '%s\n' $path $behind
end

function __lms_at
    set -l typed (__lms_words)
    test "$typed[1]" = "$argv"
end

# So many words stand behind the path, the last of them one of these if any are given.
function __lms_behind
    set -l typed (__lms_words)
    test (count $typed) -eq (math $argv[1] + 1); or return 1
    test (count $argv) -eq 1; or contains -- "$typed[-1]" $argv[2..-1]
end

complete -c lms -f
"""


def script(root: Command) -> str:
    paths = " ".join(quote(command.path) for command in list(root.walk())[1:])
    lines = [line for command in root.walk() for line in _lines(command)]
    return HEAD.format(paths=paths) + "\n".join(lines) + "\n"


def _lines(command: Command) -> Iterator[str]:
    at = _at(command)
    for child in command.children:
        yield f"{at} -a {child.name} -d {quote(child.summary)}"
    for place, argument in enumerate(command.arguments):
        here = at if len(command.arguments) == 1 else _at(command, f"__lms_behind {place}")
        if argument.is_file:
            yield f"{here} -F"
        elif argument.source:
            yield f"{here} -a '{' '.join((*argument.words, _names_from(argument.source)))}'"
        yield from _after(command, place, argument)
    for option in command.options:
        yield f"{at} {_names(option)}{_value(option)} -d {quote(option.help)}"


def _at(command: Command, *conditions: str) -> str:
    where = "; and ".join((f"__lms_at {command.path}", *conditions))
    return f"complete -c lms -n {quote(where)}"


def _after(command: Command, place: int, argument: Argument) -> Iterator[str]:
    """Those that stand behind any word come last, and there not behind the words before."""
    named: list[str] = []
    for words, found in argument.after:
        where = [f"__lms_behind {place} {' '.join(words)}"] if words else [f"__lms_behind {place}"]
        if not words and named:
            where.append(f"not __lms_behind {place} {' '.join(named)}")
        named += words
        yield f"{_at(command, *where)} -a {quote(' '.join(found))}"


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
