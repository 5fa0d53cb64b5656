"""`lms service` over programs that stand in for systemctl and loginctl, and keep what they were told in files."""

import getpass
import sys
from pathlib import Path

import pytest

from lms.cli.service_files import Service
from lms.cli.service_managers import BOOTED, Launchd, Systemd
from lms.errors import ServiceFailed
from tests.cli.conftest import Terminal

# What was told stands in `told`; the service is on while `on` is there, enabled while `enabled` is.
SYSTEMCTL = """\
#!/bin/sh
echo "systemctl $*" >> "$STATE/told"
[ -e "$STATE/broken" ] && { echo "Failed to connect to bus: No medium found" >&2; exit 1; }
case "$*" in
    *is-active*) test -e "$STATE/on" ;;
    *is-enabled*) test -e "$STATE/enabled" ;;
    *restart*) touch "$STATE/on" ;;
    *enable*) touch "$STATE/enabled" ;;
    *disable*) rm -f "$STATE/enabled" "$STATE/on" ;;
esac
"""
LOGINCTL = """\
#!/bin/sh
echo "loginctl $*" >> "$STATE/told"
case "$1" in
    enable-linger) mkdir -p "$STATE/linger"; touch "$STATE/linger/$2" ;;
    disable-linger) rm -f "$STATE/linger/$2" ;;
esac
"""
LAUNCHCTL = """\
#!/bin/sh
echo "launchctl $1" >> "$STATE/told"
case "$1" in
    print) test -e "$STATE/on" ;;
    bootstrap) touch "$STATE/on" ;;
    bootout) rm "$STATE/on" ;;
esac
"""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


@pytest.fixture
def environ(tmp_path: Path, state: Path) -> dict[str, str]:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in {"systemctl": SYSTEMCTL, "loginctl": LOGINCTL, "launchctl": LAUNCHCTL}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    return {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(tmp_path / "user"), "STATE": str(state)}


@pytest.fixture
def machine(lms: Terminal, environ: dict[str, str]) -> Terminal:
    """Somebody at a machine with systemd."""
    lms.environ = environ
    return lms


@pytest.fixture
def systemd(environ: dict[str, str], state: Path) -> Systemd:
    return Systemd(environ, system=False, lingering=state / "linger", booted=state)


def told(state: Path) -> list[str]:
    return (state / "told").read_text().splitlines()


def service(tmp_path: Path) -> Service:
    return Service((sys.executable,), {"LMS_HOME": str(tmp_path)}, tmp_path / "logs" / "daemon.log")


def test_a_users_service_is_enabled_started_and_comes_without_a_login(
    systemd: Systemd, state: Path, tmp_path: Path
) -> None:
    assert not systemd.starts_at_boot()
    systemd.install(service(tmp_path))
    assert not systemd.runs()
    systemd.start()
    assert [line for line in told(state) if "is-" not in line] == [
        f"loginctl enable-linger {getpass.getuser()}",
        "systemctl --user show-environment",
        "systemctl --user daemon-reload",
        "systemctl --user enable lms.service",
        "systemctl --user restart lms.service",
    ]
    assert systemd.runs()
    assert systemd.starts_at_boot()


def test_only_its_owner_reads_the_unit(systemd: Systemd, tmp_path: Path) -> None:
    systemd.install(service(tmp_path))
    assert systemd.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("lingered", [False, True])
def test_uninstalling_leaves_lingering_as_it_was(systemd: Systemd, state: Path, tmp_path: Path, lingered: bool) -> None:
    mark = state / "linger" / getpass.getuser()
    if lingered:
        mark.parent.mkdir()
        mark.touch()
    systemd.install(service(tmp_path))
    systemd.install(service(tmp_path))
    systemd.uninstall()
    assert mark.exists() == lingered
    assert not systemd.path.exists()
    assert not systemd.runs()


def test_what_systemctl_has_against_it_is_told(systemd: Systemd, state: Path, tmp_path: Path) -> None:
    (state / "linger").mkdir()
    (state / "linger" / getpass.getuser()).touch()
    (state / "broken").touch()
    with pytest.raises(ServiceFailed, match=r"daemon-reload failed: Failed to connect to bus: No medium found\."):
        systemd.install(service(tmp_path))
    assert not systemd.path.exists()


def test_where_systemd_does_not_run_its_programs_are_not_cited(
    environ: dict[str, str], state: Path, tmp_path: Path
) -> None:
    (state / "broken").touch()
    (state / "linger").mkdir()
    (state / "linger" / getpass.getuser()).touch()
    here = Systemd(environ, system=False, lingering=state / "linger", booted=tmp_path / "nowhere")
    with pytest.raises(ServiceFailed, match=r"^systemd does not run here") as refused:
        here.install(service(tmp_path))
    assert "lms daemon up" in str(refused.value.hint)
    assert not here.path.exists()


def test_launchd_is_told_of_the_job_again_after_a_change_and_rid_of_it(
    environ: dict[str, str], state: Path, tmp_path: Path
) -> None:
    launchd = Launchd(environ, system=False)
    for _ in range(2):
        launchd.install(service(tmp_path))
        launchd.start()
    launchd.uninstall()
    acts = [line.split()[1] for line in told(state) if line != "launchctl print"]
    assert acts == ["bootstrap", "bootout", "bootstrap", "bootout"]
    assert not launchd.path.exists()


def test_printing_the_unit_touches_nothing(machine: Terminal, state: Path) -> None:
    ended = machine.type("service", "install", "--print")
    assert ended.code == 0
    assert f'Environment="LMS_HOME={machine.home.root}"' in ended.out
    assert '"-m" "lms.daemon"' in ended.out
    assert ended.err.startswith("It belongs into ")
    assert list(state.iterdir()) == []


def test_a_unit_has_what_the_daemon_heeds_and_no_secrets(machine: Terminal) -> None:
    machine.environ |= {"LMS_MODELS_DIR": "/srv/models", "HTTPS_PROXY": "http://proxy", "HF_TOKEN": "hf_secret"}
    text = machine.type("service", "install", "--print", "--json").json["text"]
    assert 'Environment="LMS_MODELS_DIR=/srv/models"' in text
    assert 'Environment="HTTPS_PROXY=http://proxy"' in text
    assert "hf_secret" not in text


def test_a_service_of_the_system_runs_as_who_called_sudo(machine: Terminal) -> None:
    machine.environ["SUDO_USER"] = "nobody"
    assert "User=nobody\n" in machine.type("service", "install", "--system", "--print").out
    assert "User=root\n" in machine.type("service", "install", "--system", "--print", "--user", "root").out


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--user", "root"), "--user goes with --system"),
        (("--system", "--user", "no-such-user"), "no user “no-such-user”"),
    ],
)
def test_a_user_that_cannot_be_is_refused(machine: Terminal, words: tuple[str, ...], complaint: str) -> None:
    ended = machine.type("service", "install", *words)
    assert (ended.code, ended.out) == (2, "")
    assert complaint in ended.err


def test_without_systemd_the_daemon_is_left_alone_and_the_unit_can_still_be_printed(
    machine: Terminal, tmp_path: Path
) -> None:
    machine.environ["PATH"] = str(tmp_path)
    ended = machine.type("service", "install")
    assert (ended.code, ended.out) == (1, "")
    assert "is not here" in ended.err
    assert "--print" in ended.err
    assert machine.daemon.on
    assert machine.type("service", "install", "--print").code == 0


def test_nothing_installed_is_a_status_and_nothing_to_uninstall(machine: Terminal) -> None:
    status = machine.type("service", "status")
    assert (status.code, status.out) == (0, "No service is installed.\n")
    assert machine.type("service", "status", "--json").json == {"installed": False, "services": []}
    ended = machine.type("service", "uninstall")
    assert (ended.code, ended.out) == (1, "")
    assert "No service is installed" in ended.err


def test_status_says_whether_it_runs_and_starts_at_boot(machine: Terminal, state: Path, tmp_path: Path) -> None:
    installed = Systemd(machine.environ, system=False, lingering=state / "linger")
    installed.install(service(tmp_path))
    installed.start()
    assert machine.type("service", "status").out.startswith("Your service runs and ")
    (state / "on").unlink()
    row = machine.type("service", "status", "--json").json["services"][0]
    assert (row["system"], row["running"]) == (False, False)


def test_uninstalling_removes_the_file_and_leaves_the_home(machine: Terminal, state: Path, tmp_path: Path) -> None:
    installed = Systemd(machine.environ, system=False, lingering=state / "linger")
    installed.install(service(tmp_path))
    installed.start()
    machine.home.settings.write_text("{}")
    ended = machine.type("service", "uninstall")
    assert (ended.code, ended.out, ended.err) == (0, "", "The service is uninstalled.\n")
    assert not installed.path.exists()
    assert machine.home.settings.exists()


@pytest.mark.parametrize("programs_are_there", [True, False])
def test_a_unit_left_over_where_systemd_does_not_run_is_removed(
    environ: dict[str, str], state: Path, tmp_path: Path, programs_are_there: bool
) -> None:
    here = Systemd(environ, system=False, lingering=state / "linger", booted=tmp_path / "nowhere")
    here.install(service(tmp_path))
    enabled = here.path.parent / "default.target.wants" / here.path.name
    enabled.parent.mkdir()
    enabled.symlink_to(here.path)
    (state / "broken").touch()
    if not programs_are_there:
        (tmp_path / "programs" / "systemctl").unlink()
        here = Systemd({**environ, "PATH": str(tmp_path / "programs")}, system=False, booted=tmp_path / "nowhere")
    assert not here.uninstall()
    assert not here.path.exists()
    assert not enabled.is_symlink()


def test_a_unit_stays_where_systemd_runs_and_refuses(systemd: Systemd, state: Path, tmp_path: Path) -> None:
    systemd.install(service(tmp_path))
    (state / "broken").touch()
    with pytest.raises(ServiceFailed, match="disable --now"):
        systemd.uninstall()
    assert systemd.path.exists()


@pytest.mark.skipif(BOOTED.exists(), reason="systemd runs here")
@pytest.mark.parametrize("words", [("service", "uninstall"), ("uninstall",)])
def test_that_only_the_file_could_be_removed_is_said(
    machine: Terminal, state: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    left_over = Systemd(machine.environ, system=False, lingering=state / "linger")
    left_over.install(service(tmp_path))
    (state / "broken").touch()
    ended = machine.type(*words)
    assert (ended.code, left_over.path.exists()) == (0, False)
    assert f"systemd does not run here, so there was nothing to stop: only {left_over.path} is removed." in ended.err
