"""The hub as huggingface_hub's client meets it, against a hub in a process of its own."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lms.catalog.hub import Hub
from lms.catalog.offers import FoundRepo, RepoFile
from lms.errors import HubRefused, HubUnreachable, InvalidRequest, ModelNotFound
from tests.hub.process import HubProcess
from tests.hub.server import COMMIT, TOKEN

LARGE = bytes(range(256)) * 8


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    hub = HubProcess(tmp_path_factory.mktemp("hub"))
    hub.add("maker/tiny-GGUF", {"tiny-Q4_K_M.gguf": LARGE, "README.md": b"# Tiny"})
    hub.add("another-maker/tiny-GGUF", {"tiny-Q8_0.gguf": LARGE})
    hub.add("maker/tiny-4bit", {"config.json": b"{}", "model.safetensors": LARGE})
    yield hub
    hub.close()


@pytest.fixture
def hub(process: HubProcess) -> Hub:
    process.trouble()
    return Hub(process.address, "hf_unknown")


def test_a_repo_is_its_files_with_their_hashes_at_a_commit(hub: Hub) -> None:
    repo = hub.repo("maker/tiny-GGUF")
    assert (repo.name, repo.commit, repo.gated) == ("maker/tiny-GGUF", COMMIT, False)
    small, large = sorted(repo.files, key=lambda file: file.size_bytes)
    assert small == RepoFile("README.md", 6, git_sha1="a1875098e6e5667196623bad29cf003590ae86ce")
    assert (large.path, large.size_bytes, len(large.sha256 or "")) == ("tiny-Q4_K_M.gguf", len(LARGE), 64)


def test_a_search_finds_by_words_and_format_the_most_downloaded_first(hub: Hub) -> None:
    assert [repo.name for repo in hub.search("tiny", ("gguf",), 10)] == ["another-maker/tiny-GGUF", "maker/tiny-GGUF"]
    assert hub.search("tiny", ("mlx",), 10) == [FoundRepo("maker/tiny-4bit", ("mlx",), 1500, 15)]
    assert len(hub.search("tiny", ("gguf", "mlx"), 10)) == 3
    assert len(hub.search("tiny", ("gguf", "mlx"), 1)) == 1
    assert hub.search("nothing like it", ("gguf",), 10) == []


def test_who_has_a_file_of_that_name_is_found_the_most_liked_first(hub: Hub) -> None:
    assert hub.holders("tiny", "TINY-q4_k_m.gguf", 10) == ["maker/tiny-GGUF"]
    assert hub.holders("tiny", "config.json", 10) == ["maker/tiny-4bit"]
    assert hub.holders("tiny", "other.gguf", 10) == []


@pytest.mark.parametrize("status", [429, 503])
def test_a_hub_that_is_busy_for_a_moment_is_asked_again(
    process: HubProcess, hub: Hub, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lms.catalog.hub.PAUSES_S", (0.0, 0.0))
    process.trouble(api_statuses=[status] * 4)
    with pytest.raises(HubUnreachable, match=str(status)):
        hub.search("tiny", ("gguf",), 10)
    assert hub.repo("maker/tiny-GGUF").name == "maker/tiny-GGUF"


def test_a_hub_that_wants_to_be_left_alone_for_long_is(process: HubProcess, hub: Hub) -> None:
    process.trouble(api_statuses=[429], retry_after="3600")
    with pytest.raises(HubUnreachable) as busy:
        hub.repo("maker/tiny-GGUF")
    assert busy.value.retry_after_s == 3600


def test_bytes_come_from_wherever_they_are_wanted(hub: Hub) -> None:
    with hub.opened("maker/tiny-GGUF", COMMIT, "tiny-Q4_K_M.gguf", 2000) as (begin, blocks):
        assert (begin, b"".join(blocks)) == (2000, LARGE[2000:])


@pytest.mark.parametrize(("name", "revision"), [("maker/nothing", None), ("maker/tiny-GGUF", "v9")])
def test_what_is_not_there_is_not_found(hub: Hub, name: str, revision: str | None) -> None:
    with pytest.raises(ModelNotFound):
        hub.repo(name, revision)


def test_what_is_at_an_address_that_is_no_hub_is_not_found(process: HubProcess, hub: Hub) -> None:
    process.trouble(api_statuses=[404, 404])
    for ask in (lambda: hub.repo("maker/tiny-GGUF"), lambda: hub.search("tiny", ("gguf",), 10)):
        with pytest.raises(ModelNotFound, match=process.address) as refused:
            ask()
        assert refused.value.hint == "Is HF_ENDPOINT right?"


def test_a_file_that_is_not_there_is_not_found(hub: Hub) -> None:
    with pytest.raises(ModelNotFound), hub.opened("maker/tiny-GGUF", COMMIT, "no.gguf"):
        pass


def test_a_name_that_cannot_be_one_is_refused(hub: Hub) -> None:
    with pytest.raises(InvalidRequest):
        hub.repo("maker/--")


def test_a_gated_repo_is_listed_and_its_files_are_for_those_who_are_let_in(process: HubProcess, hub: Hub) -> None:
    process.trouble(gated=["maker/tiny-GGUF"])
    assert hub.repo("maker/tiny-GGUF").gated
    with pytest.raises(HubRefused, match="HF_TOKEN"), hub.opened("maker/tiny-GGUF", COMMIT, "tiny-Q4_K_M.gguf"):
        pass
    with Hub(process.address, TOKEN).opened("maker/tiny-GGUF", COMMIT, "tiny-Q4_K_M.gguf") as (_, blocks):
        assert b"".join(blocks) == LARGE


@pytest.mark.parametrize("trouble", [{"html": True}, {"named": "../../etc"}, {"named": "maker"}])
def test_what_is_no_hub_is_not_believed(process: HubProcess, hub: Hub, trouble: dict[str, Any]) -> None:
    process.trouble(**trouble)
    with pytest.raises(HubUnreachable, match="is no hub"):
        hub.repo("maker/tiny-GGUF")


@pytest.mark.parametrize("endpoint", ["nonsense", "http://127.0.0.1:1", "http://[::1"])
def test_a_hub_that_cannot_be_reached_is_named(endpoint: str) -> None:
    with pytest.raises(HubUnreachable, match=re.escape(endpoint)):
        Hub(endpoint, "hf_unknown").repo("maker/tiny-GGUF")
    with pytest.raises(HubUnreachable, match=re.escape(endpoint)):
        Hub(endpoint, "hf_unknown").search("tiny", ("gguf",), 10)


def asked_with(environ: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """What a process of that environment finds: huggingface_hub reads it once."""
    script = "from lms.catalog.hub import Hub; print(Hub().repo('maker/tiny-GGUF').name)"
    inherited = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return subprocess.run(
        [sys.executable, "-c", script],
        env=inherited | environ,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_endpoint_and_proxy_are_those_of_the_environment(process: HubProcess, hub: Hub) -> None:
    direct = asked_with({"HF_ENDPOINT": process.address})
    proxied = asked_with({"HF_ENDPOINT": "http://hub.invalid", "HTTP_PROXY": process.address})
    assert (direct.stdout, proxied.stdout) == ("maker/tiny-GGUF\n",) * 2


def test_a_proxy_that_does_not_answer_is_named(hub: Hub) -> None:
    proxied = asked_with({"HF_ENDPOINT": "http://hub.invalid", "HTTP_PROXY": "http://127.0.0.1:1", "NO_PROXY": "x"})
    assert "goes by HTTP_PROXY of the environment" in proxied.stderr
    assert "set HTTPS_PROXY" in asked_with({"HF_ENDPOINT": "http://127.0.0.1:1"}).stderr


def test_who_is_offline_is_told_so(process: HubProcess, hub: Hub) -> None:
    offline = asked_with({"HF_ENDPOINT": process.address, "HF_HUB_OFFLINE": "1"})
    assert "HF_HUB_OFFLINE forbids" in offline.stderr
