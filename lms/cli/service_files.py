"""What tells a system to run the daemon at boot: a systemd unit, or a property list for launchd. Pure text.

systemd.unit(5), systemd.service(5) and systemd.syntax(7); launchd.plist(5).
"""

import plistlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

LABEL = "lms.daemon"
STOP_TIMEOUT_S = 60

# In a unit, systemd passes over names that begin so. It says that `lms service uninstall` has to end the lingering.
OUR_LINGERING = "X-LmsLingering=true"


@dataclass(frozen=True)
class Service:
    """The daemon as the system is to run it. `user` is whom it runs as, None for whoever the file belongs to."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    user: str | None = None


def unit(service: Service, *, lingering_is_ours: bool = False) -> str:
    """A systemd unit: of the system when there is a user to run it as, else of a user.

    An engine that was killed for its memory must not take the daemon along, and engines end with it: only the daemon is
    told to.
    """
    return "\n".join(_unit_lines(service, lingering_is_ours)) + "\n"


def _unit_lines(service: Service, lingering_is_ours: bool) -> Iterator[str]:
    yield "# Written by `lms service install`, removed by `lms service uninstall`."
    yield from ("[Unit]", "Description=lms, a server for language models", "Documentation=man:lms(1)")
    if service.user:
        yield from ("Wants=network-online.target", "After=network-online.target")
    if lingering_is_ours:
        yield OUR_LINGERING
    yield from ("", "[Service]", "Type=exec")
    if service.user:
        yield f"User={service.user}"
    yield from (f"Environment={_quoted(f'{name}={value}')}" for name, value in sorted(service.environment.items()))
    # In a command, unlike elsewhere, a dollar begins a variable.
    yield "ExecStart=" + " ".join(_quoted(word).replace("$", "$$") for word in service.command)
    yield from ("Restart=on-failure", "RestartSec=2", "KillMode=mixed", f"TimeoutStopSec={STOP_TIMEOUT_S}")
    yield from ("OOMPolicy=continue", "NoNewPrivileges=true")
    yield from ("", "[Install]", f"WantedBy={'multi-user' if service.user else 'default'}.target")


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("%", "%%")
    return f'"{escaped}"'


def property_list(service: Service) -> str:
    """A launchd job: a daemon of the system when there is a user to run it as, else an agent of a user."""
    job = {
        "Label": LABEL,
        "ProgramArguments": list(service.command),
        "EnvironmentVariables": dict(sorted(service.environment.items())),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ExitTimeOut": STOP_TIMEOUT_S,
        "StandardOutPath": str(service.log),
        "StandardErrorPath": str(service.log),
    }
    return plistlib.dumps(job | ({"UserName": service.user} if service.user else {}), sort_keys=False).decode()
