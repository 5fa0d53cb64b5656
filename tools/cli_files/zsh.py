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
        '1: :->command' '*:: :->rest' && return
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
    specs = [*_options(command), *(_argument(argument) for argument in command.arguments)]
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


def _argument(argument: Argument) -> str:
    values = "_files" if argument.is_file else f"_lms_names {argument.source}" if argument.source else " "
    return quote(f"1:{argument.name}:{values}")


def _function(command: Command) -> str:
    return "_" + "_".join(command.words)


def _plain(text: str) -> str:
    """Text inside a specification, where brackets and colons mean something."""
    return text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")


def quote(text: str) -> str:
    """One word of shell."""
    return "'" + text.replace("'", "'\\''") + "'"
