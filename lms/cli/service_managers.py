"""systemd and launchd, by their own programs: what to run so that a service comes, goes, and says how it is.

Both keep a service of the whole system, which root installs, apart from one of a user, which needs nobody's leave.
"""

import getpass
import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lms.cli.service_files import LABEL, OUR_LINGERING, Service, property_list, unit
from lms.errors import ServiceFailed, Unsupported
from lms.paths import write_atomically

TIMEOUT_S = 120.0
LINGERING_TIMEOUT_S = 10.0
_POLL_S = 0.1
LINGERING = Path("/var/lib/systemd/linger")
# There where systemd is what the system was started with: sd_booted(3).
BOOTED = Path("/run/systemd/system")
NEEDS_ROOT = "A service of the system needs root: sudo."
WITHOUT = "lms service install --print shows what it would be told. In a container, start lms daemon up."


class Manager(Protocol):
    """One of the two, for the system or for a user. All but `path` and `text` may raise ServiceFailed."""

    @property
    def path(self) -> Path:
        """The file that says what the service is."""
        ...

    def text(self, service: Service) -> str:
        """What `install` writes there."""
        ...

    def install(self, service: Service) -> None:
        """Write the file, and have the service started at every boot. What runs now is left alone."""
        ...

    def start(self) -> None:
        """Start what is installed, in place of what it was before."""
        ...

    def uninstall(self) -> bool:
        """Stop the service and leave nothing of it. False where the manager itself does not run: only files went."""
        ...

    def runs(self) -> bool:
        """Whether the service is on."""
        ...

    def starts_at_boot(self) -> bool:
        """Whether it comes without anybody logging in."""
        ...


@dataclass(frozen=True)
class Programs:
    """Runs what is on the `PATH` of `environ`."""

    environ: Mapping[str, str]

    def run(self, *words: str, hint: str | None = None) -> None:
        """Raises ServiceFailed, with what the program said, unless it ends well."""
        ended = self._ended(words)
        if ended.returncode:
            said = (ended.stderr or ended.stdout).strip().rstrip(".") or f"exit code {ended.returncode}"
            raise ServiceFailed(f"{' '.join(words)} failed: {said}.", hint=hint)

    def succeeds(self, *words: str) -> bool:
        return self._ended(words).returncode == 0

    def _ended(self, words: tuple[str, ...]) -> "subprocess.CompletedProcess[str]":
        program = shutil.which(words[0], path=self.environ.get("PATH", os.defpath))
        if program is None:
            raise Unsupported(
                f"{words[0]} is not here, so this system cannot be asked to run a service.",
                hint=WITHOUT,
            )
        try:
            return subprocess.run(
                [program, *words[1:]],
                env=self.environ,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
            )
        except subprocess.TimeoutExpired as error:
            raise ServiceFailed(f"{' '.join(words)} has not ended after {TIMEOUT_S:.0f} s.") from error


class Systemd:
    """A unit of the system, or one of a user who lingers: whose services run from boot on, without a login."""

    def __init__(
        self, environ: Mapping[str, str], *, system: bool, lingering: Path = LINGERING, booted: Path = BOOTED
    ) -> None:
        # A shell of `su` or cron lacks the folder of the user's own systemd.
        runtime = {"XDG_RUNTIME_DIR": environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"}
        self._programs = Programs({**environ, **runtime})
        self._system = system
        self._booted = booted
        self._scope = () if system else ("--user",)
        self._lingers = lingering / getpass.getuser()
        folder = Path("/etc/systemd/system") if system else _config_home(environ) / "systemd" / "user"
        self.path = folder / "lms.service"

    def text(self, service: Service) -> str:
        return unit(service, lingering_is_ours=self._lingering_is_ours())

    def install(self, service: Service) -> None:
        text = self.text(service)
        if not self._system and not self._lingers.exists():
            self._linger()
        is_new = not self.path.exists()
        _write(self.path, text)
        try:
            self._systemctl("daemon-reload")
            self._systemctl("enable", self.path.name)
        except ServiceFailed:
            if is_new:
                self.path.unlink()
            raise

    def start(self) -> None:
        self._systemctl("restart", self.path.name)

    def uninstall(self) -> bool:
        lingering_is_ours = self._lingering_is_ours()
        try:
            self._systemctl("disable", "--now", self.path.name)
        except (ServiceFailed, Unsupported):
            if self._booted.exists():
                raise
            self._remove_files()
            return False
        self.path.unlink()
        self._systemctl("daemon-reload")
        if lingering_is_ours:  # last, as it may end the user's systemd
            self._run("loginctl", "disable-linger", getpass.getuser())
        return True

    def runs(self) -> bool:
        return self._programs.succeeds("systemctl", *self._scope, "--quiet", "is-active", self.path.name)

    def starts_at_boot(self) -> bool:
        enabled = self._programs.succeeds("systemctl", *self._scope, "--quiet", "is-enabled", self.path.name)
        return enabled and (self._system or self._lingers.exists())

    def _remove_files(self) -> None:
        """The unit, and the links by which it was enabled."""
        try:
            for link in self.path.parent.glob(f"*.wants/{self.path.name}"):
                link.unlink()
            self.path.unlink()
        except PermissionError as error:
            raise ServiceFailed(f"{self.path} cannot be removed.", hint=NEEDS_ROOT) from error

    def _systemctl(self, *words: str) -> None:
        self._run("systemctl", *self._scope, *words)

    def _run(self, *words: str, hint: str | None = None) -> None:
        """Programs of systemd are often there where it does not run, and say so in many words."""
        try:
            self._programs.run(*words, hint=hint)
        except ServiceFailed as error:
            if self._booted.exists():
                raise
            raise ServiceFailed("systemd does not run here, so it cannot run a service.", hint=WITHOUT) from error

    def _linger(self) -> None:
        """Where nobody is logged in, this starts the user's systemd, which is not there at once."""
        name = getpass.getuser()
        self._run("loginctl", "enable-linger", name, hint=f"Try: sudo loginctl enable-linger {name}")
        deadline_s = time.monotonic() + LINGERING_TIMEOUT_S
        while not self._programs.succeeds("systemctl", "--user", "show-environment"):
            if time.monotonic() > deadline_s:
                break  # the next command says what is wrong
            time.sleep(_POLL_S)

    def _lingering_is_ours(self) -> bool:
        """Whether it was, or would be, switched on for this service alone."""
        if self._system:
            return False
        if self.path.is_file():
            return OUR_LINGERING in self.path.read_text()
        return not self._lingers.exists()


class Launchd:
    """A daemon of the system, or an agent of a user: that one comes at login, as launchd has nothing like lingering."""

    def __init__(self, environ: Mapping[str, str], *, system: bool) -> None:
        self._programs = Programs(environ)
        self._system = system
        self._domain = "system" if system else f"gui/{os.getuid()}"
        library = Path("/Library/LaunchDaemons") if system else _user_home(environ) / "Library" / "LaunchAgents"
        self.path = library / f"{LABEL}.plist"

    def text(self, service: Service) -> str:
        return property_list(service)

    def install(self, service: Service) -> None:
        service.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(self.path, self.text(service))

    def start(self) -> None:
        self._stop()
        self._programs.run("launchctl", "bootstrap", self._domain, str(self.path))

    def uninstall(self) -> bool:
        self._stop()
        self.path.unlink()
        return True

    def runs(self) -> bool:
        return self._programs.succeeds("launchctl", "print", self._target)

    def starts_at_boot(self) -> bool:
        return self._system

    def _stop(self) -> None:
        if self.runs():
            self._programs.run("launchctl", "bootout", self._target)

    @property
    def _target(self) -> str:
        return f"{self._domain}/{LABEL}"


def manager(platform: str, environ: Mapping[str, str], *, system: bool) -> Manager:
    """The one of a system whose `sys.platform` is that."""
    return Launchd(environ, system=system) if platform == "darwin" else Systemd(environ, system=system)


def _write(path: Path, text: str) -> None:
    """Only for the eyes of its owner: a proxy's address in it may have a password."""
    try:
        write_atomically(path, text.encode())
    except PermissionError as error:
        raise ServiceFailed(f"{path} cannot be written.", hint=NEEDS_ROOT) from error


def _user_home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("HOME") or Path.home())


def _config_home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("XDG_CONFIG_HOME") or _user_home(environ) / ".config")
