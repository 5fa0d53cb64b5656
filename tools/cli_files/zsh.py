"""The completion script for zsh: a function for each command, named after its path."""

from collections.abc import Iterator

from tools.cli_files.tree import Argument, Command, Option

HEAD = """\
#compdef lms
# zsh completion for lms. Written by `python -m tools.cli_files`: change the commands, not this file.

_lms_names() {
    local -a names
    names=(${(f)"$(lms complete ${@[-1]} 2>/dev/null)"})
    compadd "${@[1,-2]}" -a names
}

# Of pairs of words and candidates, those candidates that stand behind the word before, or behind any ("").
_lms_after() {
    while (( $# )); do
        if [[ -z $1 || " $1 " == *" $words[CURRENT-1] "* ]]; then
            compadd -- ${=2}
            return
        fi
        shift 2
    done
}
"""

GROUP = """
{function}() {{
    local -a commands
    local state line curcontext="$curcontext"
    commands=(
{children}
    )
    _arguments -C -s \\
{options}
        '(-)1: :->command' '(-)*:: :->rest' && return
    case $state in
        command) _describe command commands ;;
        rest) case $line[1] in
{calls}
        esac ;;
    esac
}}
"""

LEAF = """
{function}() {{
    _arguments -s \\
{specs}
}}
"""


def script(root: Command) -> str:
    functions = "".join(_group(command) if command.children else _leaf(command) for command in root.walk())
    return HEAD + functions + '\nif [[ $funcstack[1] == _lms ]]; then _lms "$@"; else compdef _lms lms; fi\n'


def _group(command: Command) -> str:
    return GROUP.format(
        function=_function(command),
        children="\n".join(f"        {quote(f'{child.name}:{child.summary}')}" for child in command.children),
        options="\n".join(f"        {spec} \\" for spec in _options(command)),
        calls="\n".join(f"            {child.name}) {_function(child)} ;;" for child in command.children),
    )


def _leaf(command: Command) -> str:
    arguments = (_argument(place, argument) for place, argument in enumerate(command.arguments, 1))
    specs = [*_options(command), *arguments]
    return LEAF.format(function=_function(command), specs=" \\\n".join(f"        {spec}" for spec in specs))


def _options(command: Command) -> Iterator[str]:
    """One specification for all names of an option: any of them excludes the others."""
    for option in command.options:
        meaning = f"[{_plain(option.help)}]" + _value(option)
        if len(option.names) == 1:
            yield quote(option.names[0] + meaning)
        else:
            names = " ".join(option.names)
            yield quote(f"({names})") + "{" + names.replace(" ", ",") + "}" + quote(meaning)


def _value(option: Option) -> str:
    if not option.metavar:
        return ""
    if option.is_file:
        return f":{_plain(option.metavar)}:_files"
    if option.source:
        return f":{_plain(option.metavar)}:_lms_names {option.source}"
    return f":{_plain(option.metavar)}:" + (f"({' '.join(option.choices)})" if option.choices else "")


def _argument(place: int, argument: Argument) -> str:
    return quote(f"{place}:{argument.name}:{_values_of(argument)}")


def _values_of(argument: Argument) -> str:
    if argument.is_file:
        return "_files"
    if argument.after:
        pairs = (f'"{" ".join(words)}" "{" ".join(found)}"' for words, found in argument.after)
        return f"{{_lms_after {' '.join(pairs)}}}"
    if argument.words and argument.source:
        return f"{{compadd -- {' '.join(argument.words)}; _lms_names {argument.source}}}"
    return f"_lms_names {argument.source}" if argument.source else " "


def _function(command: Command) -> str:
    return "_" + "_".join(command.words)


def _plain(text: str) -> str:
    """Text inside a specification, where brackets and colons mean something."""
    return text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")


def quote(text: str) -> str:
    """One word of shell."""
    return "'" + text.replace("'", "'\\''") + "'"
