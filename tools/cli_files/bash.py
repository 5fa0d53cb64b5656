"""The completion script for bash, 3.2 and later."""

from collections.abc import Iterator

from tools.cli_files.tree import Argument, Command, Option

SCRIPT = """\
# bash completion for lms. Written by `python -m tools.cli_files`: change the commands, not this file.

_lms() {{
    local line=${{COMP_LINE:0:COMP_POINT}} whole="" command=lms previous="" before="" files="" place=0
    local word words candidates
    read -ra words <<< "$line"
    case $line in
        *[[:space:]]) ;;
        *) whole=${{words[${{#words[@]}} - 1]}}; unset "words[${{#words[@]}} - 1]" ;;
    esac
    for word in "${{words[@]:1}}"; do
        case "$command $word" in
            {paths}) command="$command $word" place=0 ;;
            "$command -"*) ;;
            *) before=$word place=$((place + 1)) ;;
        esac
        previous=$word
    done
    case "$command $previous" in
{values}
        *)
            case "$command" in
{words}
            esac
            case "$whole" in
                -*) ;;
                *)
                    case "$command" in
{sources}
                    esac ;;
            esac ;;
    esac
    COMPREPLY=($(compgen -W "$candidates" -- "$whole"))
    if [ -n "$files" ]; then
        local IFS=$'\\n'
        COMPREPLY+=($(compgen -f -- "$whole"))
    fi
    # Readline breaks words at these characters, and replaces only what stands behind the last of them.
    local kept=${{whole%"${{whole##*[:=@]}}"}}
    COMPREPLY=("${{COMPREPLY[@]#"$kept"}}")
}}

complete -o filenames -F _lms lms
"""


def script(root: Command) -> str:
    commands = list(root.walk())
    return SCRIPT.format(
        paths="|".join(f'"{command.path}"' for command in commands[1:]),
        values="\n".join(_values(commands)),
        words="\n".join(_words(commands)),
        sources="\n".join(_sources(commands)),
    )


def _values(commands: list[Command]) -> Iterator[str]:
    """What may follow an option that takes a value."""
    for command in commands:
        for option in command.options:
            if option.metavar:
                patterns = "|".join(f'"{command.path} {name}"' for name in option.names)
                yield f"        {patterns}) {_assignment(option) or 'candidates='} ;;"


def _words(commands: list[Command]) -> Iterator[str]:
    """Subcommands and options."""
    for command in commands:
        names = [child.name for child in command.children] + [
            name for option in command.options for name in option.names
        ]
        yield f'                "{command.path}") candidates="{" ".join(names)}" ;;'


def _sources(commands: list[Command]) -> Iterator[str]:
    """Arguments whose values somebody knows. Where there are several, the place says which one it is."""
    for command in commands:
        known = [(place, _argument(argument)) for place, argument in enumerate(command.arguments)]
        if len(known) > 1:
            places = " ".join(f"{place}) {candidates} ;;" for place, candidates in known if candidates)
            yield f'                        "{command.path}") case $place in {places} esac ;;'
        elif known and known[0][1]:
            yield f'                        "{command.path}") {known[0][1]} ;;'


def _argument(argument: Argument) -> str:
    if argument.after:
        cases = (f'{"|".join(words) or "*"}) candidates="{" ".join(found)}" ;;' for words, found in argument.after)
        return f"case $before in {' '.join(cases)} esac"
    if argument.words and argument.source:
        return f'candidates="{" ".join(argument.words)} $(lms complete {argument.source} 2>/dev/null)"'
    return _assignment(argument)


def _assignment(value: Option | Argument) -> str:
    """What makes the values of an option or argument candidates, empty where nobody knows them."""
    if value.is_file:
        return "candidates= files=yes"
    if value.source:
        return f'candidates="$(lms complete {value.source} 2>/dev/null)"'
    return f'candidates="{" ".join(value.choices)}"' if isinstance(value, Option) and value.choices else ""
