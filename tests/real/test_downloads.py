"""Downloads over the public API from a hub in a process of its own, through whatever becomes of the daemon."""

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.downloads.conftest import MODEL, REPO
from tests.hub.process import HubProcess
from tests.hub.server import TOKEN
from tests.real.conftest import Lms, processes_of
from tests.real.terminals import on_a_terminal
from tests.real.test_lifecycle import eventually

pytestmark = pytest.mark.real

FILE = "tiny-Q4_K_M.gguf"
BEGINNING = 400_000


@pytest.fixture
def hub(tmp_path: Path, fake_lms: Lms) -> Iterator[HubProcess]:
    """The hub that the daemon knows."""
    hub = HubProcess(tmp_path / "hub")
    hub.add(REPO, {FILE: MODEL})
    fake_lms.environ["HF_ENDPOINT"] = hub.address
    yield hub
    hub.close()


@pytest.fixture
def port(fake_lms: Lms, hub: HubProcess) -> int:
    fake_lms("server", "start", "--port", "0")
    return int(json.loads(fake_lms("server", "status", "--json").stdout)["port"])


def begun(lms: Lms) -> "subprocess.Popen[str]":
    """`lms get`, which has got a part of the model."""
    get = lms.start("get", REPO, "--json")
    lines = get.stdout
    assert lines is not None
    eventually(lambda: json.loads(lines.readline())["downloadedBytes"] > 0)
    return get


def ask(port: int, path: str, body: dict[str, Any] | None = None) -> Any:
    address = f"http://127.0.0.1:{port}/api/v1/models{path}"
    content = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(address, content), timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return json.load(refusal)


def test_a_download_survives_the_daemon_being_killed(fake_lms: Lms, hub: HubProcess, port: int) -> None:
    hub.trouble(hold_after=BEGINNING)
    job_id = ask(port, "/download", {"model": REPO})["job_id"]
    eventually(lambda: ask(port, f"/download/status/{job_id}")["downloaded_bytes"] > 0)
    running = processes_of(fake_lms.home)
    for process in running:
        with suppress(psutil.NoSuchProcess):  # the front goes with the daemon
            process.kill()
    psutil.wait_procs(running, timeout=10)
    part = fake_lms.home.root / "models" / REPO / f"{FILE}.part"
    come = part.stat().st_size
    assert 0 < come < len(MODEL)
    assert REPO not in fake_lms("ls", "--json").stdout

    hub.release()
    fake_lms("daemon", "up")
    eventually(lambda: fake_lms.client.download(job_id).status == "completed")
    assert hub.asked("/large/")[-1]["headers"]["range"] == f"bytes={come}-"
    assert part.with_name(FILE).read_bytes() == MODEL
    assert REPO in fake_lms("ls", "--json").stdout


def test_a_downloaded_model_is_listed_and_loads(hub: HubProcess, port: int) -> None:
    begun = ask(port, "/download", {"model": f"{hub.address}/{REPO}", "quantization": "Q4_K_M"})
    assert begun["total_size_bytes"] == len(MODEL)
    eventually(lambda: ask(port, f"/download/status/{begun['job_id']}")["status"] == "completed")
    assert ask(port, "/download", {"model": REPO}) == {"status": "already_downloaded"}
    key = next(model["key"] for model in ask(port, "")["models"] if model["publisher"] == "maker")
    assert ask(port, "/load", {"model": key})["status"] == "loaded"


def test_what_the_hub_has_against_it_is_said(hub: HubProcess, port: int) -> None:
    assert ask(port, "/download", {"model": "nobody/nothing"})["error"]["type"] == "model_not_found"
    assert ask(port, "/download", {"model": "words"})["error"]["param"] == "model"
    assert ask(port, "/download/status/job_0000000000")["error"]["type"] == "job_not_found"
    hub.trouble(gated=[REPO])
    assert "HF_TOKEN" in ask(port, "/download", {"model": REPO})["error"]["message"]


def test_lms_get_downloads_and_says_by_which_key(fake_lms: Lms, hub: HubProcess) -> None:
    done = fake_lms("get", REPO, "--json")
    last = json.loads(done.stdout.splitlines()[-1])
    assert (last["status"], last["downloadedBytes"]) == ("completed", len(MODEL))
    assert json.loads(fake_lms("verify", last["modelKey"], "--json").stdout)[0]["status"] == "sound"
    fake_lms("load", last["modelKey"])
    assert json.loads(fake_lms("get", f"{REPO}@q4_k_m", "--json").stdout)["status"] == "already_downloaded"


def test_a_proxy_is_gone_by_when_the_environment_names_one(fake_lms: Lms, hub: HubProcess) -> None:
    fake_lms.environ.update(HF_ENDPOINT="http://hub.invalid", HTTP_PROXY=hub.address, NO_PROXY="", no_proxy="")
    assert json.loads(fake_lms("get", REPO, "--json").stdout.splitlines()[-1])["status"] == "completed"
    assert hub.asked("/large/")


def test_gets_at_the_same_moment_are_one_download(fake_lms: Lms, hub: HubProcess) -> None:
    hub.trouble(hold_after=BEGINNING)
    fake_lms("daemon", "up")
    gets = [fake_lms.start("get", REPO, "--json") for _ in range(3)]
    jobs = [json.loads(get.stdout.readline())["jobId"] for get in gets if get.stdout]
    assert len(jobs) == 3
    assert len(set(jobs)) == 1
    hub.release()
    ended = [get.communicate(timeout=60)[0] for get in gets]
    assert [json.loads(out.splitlines()[-1])["status"] for out in ended] == ["completed"] * 3
    assert len(hub.asked("/large/")) == 1


def test_lms_get_may_be_killed_and_the_next_one_attaches(fake_lms: Lms, hub: HubProcess) -> None:
    hub.trouble(hold_after=BEGINNING)
    first = fake_lms.start("get", "tiny", "--json")
    assert first.stdout is not None
    job_id = json.loads(first.stdout.readline())["jobId"]
    first.kill()
    first.communicate()
    second = fake_lms.start("get", f"{hub.address}/{REPO}", "--json")
    assert second.stdout is not None
    assert json.loads(second.stdout.readline())["jobId"] == job_id
    hub.release()
    out, _ = second.communicate(timeout=30)
    assert json.loads(out.splitlines()[-1])["status"] == "completed"
    assert len(hub.asked("/large/")) == 1


@pytest.mark.parametrize("all_of_it", [True, False])
def test_lms_get_outlives_a_daemon_that_is_killed(fake_lms: Lms, hub: HubProcess, all_of_it: bool) -> None:
    hub.trouble(hold_after=BEGINNING)
    get = begun(fake_lms)
    master = fake_lms.client.status().pid
    for process in processes_of(fake_lms.home):
        if process.pid == master or (all_of_it and process.pid != get.pid):
            process.kill()
    said = get.stderr
    assert said is not None
    eventually(lambda: "The next one goes on with the download." in said.readline())
    hub.release()
    out, err = get.communicate(timeout=60)
    assert (get.returncode, out and json.loads(out.splitlines()[-1])["status"]) == (0, "completed"), err
    assert hub.asked("/large/")[-1]["headers"]["range"].startswith("bytes=")


def test_lms_get_starts_no_daemon_when_the_one_it_asked_was_told_to_end(fake_lms: Lms, hub: HubProcess) -> None:
    hub.trouble(hold_after=BEGINNING)
    get = begun(fake_lms)
    fake_lms("daemon", "down")
    assert "The daemon has ended." in get.communicate(timeout=60)[1]
    assert (get.returncode, processes_of(fake_lms.home)) == (1, [])
    hub.release()
    fake_lms("daemon", "up")
    eventually(lambda: [row.status for row in fake_lms.client.downloads()] == ["completed"])


def test_ctrl_c_in_a_script_pauses_and_the_next_get_goes_on(fake_lms: Lms, hub: HubProcess) -> None:
    hub.trouble(hold_after=BEGINNING)
    first = fake_lms.start("get", REPO, "--json")
    assert first.stdout is not None
    first.stdout.readline()
    first.send_signal(signal.SIGINT)
    assert "Paused." in first.communicate(timeout=30)[1]
    assert first.returncode == 130
    assert [row.status for row in fake_lms.client.downloads()] == ["paused"]
    hub.trouble()
    assert json.loads(fake_lms("get", REPO, "--json").stdout.splitlines()[-1])["status"] == "completed"


def test_a_paused_download_is_mentioned_and_can_be_discarded(fake_lms: Lms, hub: HubProcess) -> None:
    hub.trouble(hold_after=BEGINNING)
    get = begun(fake_lms)
    get.send_signal(signal.SIGINT)
    get.communicate(timeout=30)
    assert f"A download is paused: {REPO}@Q4_K_M, " in fake_lms("ls").stderr
    assert fake_lms("rm", REPO, check=False).returncode == 2
    fake_lms("rm", REPO, "-y")
    assert list((fake_lms.home.root / "models").iterdir()) == []
    assert fake_lms("ls").stderr == ""


def test_a_gated_repo_is_had_with_the_token_of_who_types(fake_lms: Lms, hub: HubProcess) -> None:
    hub.trouble(gated=[REPO])
    refused = fake_lms("get", REPO, "--json", check=False)
    assert refused.returncode == 1
    assert json.loads(refused.stderr.splitlines()[-1])["error"]["code"] == "hub_refused"
    fake_lms.environ["HF_TOKEN"] = TOKEN
    assert fake_lms("get", REPO).returncode == 0


def test_on_a_terminal_it_asks_and_shows_a_bar(fake_lms: Lms, hub: HubProcess) -> None:
    code, shown = on_a_terminal(fake_lms, "get", "tiny", replies={b"[Y/n] ": b"\n"})
    assert code == 0
    assert "Download maker/tiny-GGUF Q4_K_M" in shown
    assert "3.8/3.8 MB" in shown
    assert "Downloaded." in shown


def test_ctrl_c_can_leave_it_running(fake_lms: Lms, hub: HubProcess) -> None:
    hub.trouble(hold_after=BEGINNING)
    replies = {b"Downloading": b"\x03", b"Number (1-3): ": b"1\n"}
    code, shown = on_a_terminal(fake_lms, "get", REPO, "-y", replies=replies)
    assert (code, "It goes on." in shown) == (130, True)
    hub.release()
    eventually(lambda: [row.status for row in fake_lms.client.downloads()] == ["completed"])
    assert len(hub.asked("/large/")) == 1


def test_without_stdin_it_downloads_and_asks_nothing(fake_lms: Lms, hub: HubProcess) -> None:
    command = [sys.executable, "-m", "lms", "get", REPO]
    closed = subprocess.run(
        ["sh", "-c", '"$@" <&-', "sh", *command], env=fake_lms.environ, capture_output=True, text=True
    )
    assert (closed.returncode, closed.stdout) == (0, "")
    assert closed.stderr.splitlines()[-2] == "Downloaded."
    assert "\x1b" not in closed.stderr
