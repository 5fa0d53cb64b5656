import plistlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lms.cli.service_files import OUR_LINGERING, Service, property_list, unit

ODD = Service(
    (sys.executable, "-c", 'print("100 % $HOME")'),
    {"LMS_HOME": "/home/some one/.lms", "LMS_MODELS_DIR": '/srv/50%"\\models'},
    Path("/home/some one/.lms/logs/daemon.log"),
)


def lines(service: Service) -> list[str]:
    return unit(service).splitlines()


def test_a_unit_escapes_what_systemd_would_take_for_its_own() -> None:
    assert f'ExecStart="{sys.executable}" "-c" "print(\\"100 %% $$HOME\\")"' in lines(ODD)
    assert 'Environment="LMS_HOME=/home/some one/.lms"' in lines(ODD)
    assert 'Environment="LMS_MODELS_DIR=/srv/50%%\\"\\\\models"' in lines(ODD)


def test_a_users_unit_comes_with_the_user_and_a_systems_unit_with_the_system() -> None:
    of_system = Service(ODD.command, ODD.environment, ODD.log, "root")
    assert "WantedBy=default.target" in lines(ODD)
    assert {"WantedBy=multi-user.target", "User=root"} <= set(lines(of_system))


def test_only_the_daemon_is_told_to_end_and_it_outlives_engines_that_the_kernel_killed() -> None:
    assert {"KillMode=mixed", "OOMPolicy=continue"} <= set(lines(ODD))


@pytest.mark.parametrize(("scope", "user"), [("--user", None), ("--system", "root")])
@pytest.mark.parametrize("lingering_is_ours", [False, True])
def test_systemd_accepts_the_unit(scope: str, user: str | None, lingering_is_ours: bool, tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    path = tmp_path / "lms.service"
    path.write_text(unit(Service(ODD.command, ODD.environment, ODD.log, user), lingering_is_ours=lingering_is_ours))
    words = [program, scope, "--man=no", "--recursive-errors=no", "verify", str(path)]
    environ = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"}
    ended = subprocess.run(words, capture_output=True, text=True, env=environ)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert (OUR_LINGERING in path.read_text()) == lingering_is_ours


def test_launchd_gets_a_job_that_is_started_again_after_a_crash() -> None:
    job = plistlib.loads(property_list(ODD).encode())
    assert job["ProgramArguments"] == list(ODD.command)
    assert job["EnvironmentVariables"] == ODD.environment
    assert (job["RunAtLoad"], job["KeepAlive"]) == (True, {"SuccessfulExit": False})
    assert "UserName" not in job


def test_launchd_runs_the_systems_job_as_its_user() -> None:
    of_system = Service(ODD.command, ODD.environment, ODD.log, "ai")
    assert plistlib.loads(property_list(of_system).encode())["UserName"] == "ai"
