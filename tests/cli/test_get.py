import json

import pytest
from msgspec.structs import replace

from lms.catalog.offers import FoundRepo
from lms.errors import DownloadFailed, HubRefused
from tests.cli.conftest import Terminal
from tests.cli.fake_daemon import FakeDaemon
from tests.cli.fake_downloads import JOB, REPO, SMALL


def test_a_repo_is_downloaded_without_questions_in_a_pipe(lms: Terminal, daemon: FakeDaemon) -> None:
    ended = lms.type("get", REPO)
    assert (ended.code, ended.out) == (0, "")
    assert ended.err.splitlines() == [
        "qwen/Qwen3-4B-GGUF Q4_K_M, the usual balance of size and quality, needs about 2.79 GiB of this machine's "
        "8.00 GiB. --select shows 2 others.",
        "Downloading qwen/Qwen3-4B-GGUF Q4_K_M (2.50 GB).",
        "Downloaded.",
        "lms load qwen3-4b loads it.",
    ]
    assert [(each.model, each.file, each.formats) for each in daemon.wanted] == [
        (REPO, "qwen3-4b-q4_k_m.gguf", ("gguf",))
    ]


def test_json_is_a_line_for_each_step_and_nothing_else(lms: Terminal) -> None:
    ended = lms.type("get", REPO, "--json")
    lines = [json.loads(line) for line in ended.out.splitlines()]
    assert [line["status"] for line in lines] == ["downloading", "downloading", "completed"]
    assert [line["downloadedBytes"] for line in lines] == [625_000_000, 1_250_000_000, 2_500_000_000]
    assert lines[0] | {"bytesPerSecond": 1_000_000, "jobId": JOB} == lines[0]
    assert lines[-1]["modelKey"] == "qwen3-4b"


def test_what_is_there_is_no_failure(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.has = True
    ended = lms.type("get", f"{REPO}@q4_k_m")
    assert (ended.code, ended.err.splitlines()) == (0, ["You have it already.", "lms load qwen3-4b loads it."])
    assert lms.type("get", REPO, "--json").json["status"] == "already_downloaded"


@pytest.mark.parametrize("typed", [f"{REPO}@q8_0", "https://huggingface.co/a/b/blob/main/c.gguf"])
def test_who_says_exactly_what_gets_no_proposal(lms: Terminal, daemon: FakeDaemon, typed: str) -> None:
    ended = lms.type("get", typed)
    assert ended.code == 0
    assert "needs about" not in ended.err
    assert [(each.model, each.file) for each in daemon.wanted] == [(typed, None)]


def test_what_does_not_fit_is_not_proposed(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.hub_memory_bytes = 2 << 30
    assert "Q2_K needs about 1.77 GiB of this machine's 2.00 GiB, Q4_K_M 2.79 GiB." in lms.type("get", REPO).err
    assert daemon.wanted[0].file == "qwen3-4b-q2_k.gguf"


@pytest.mark.parametrize(
    ("quantizations", "why"),
    [
        (("Q4_K_M",), "the only one there is"),
        (("Q5_0", "Q8_0"), "the smallest with at least 4 bits"),
        (("Q3_K_L", "Q2_K"), "the best there is"),
    ],
)
def test_why_it_is_proposed_is_said(
    lms: Terminal, daemon: FakeDaemon, quantizations: tuple[str, ...], why: str
) -> None:
    daemon.offered = tuple(replace(SMALL, quantization=name) for name in quantizations)
    assert f"{quantizations[0]}, {why}, needs about" in lms.type("get", REPO).err


def test_if_nothing_fits_the_smallest_is_taken_with_a_warning(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.hub_memory_bytes = 1 << 30
    assert (
        "Warning: Even the smallest needs about 1.77 GiB, and this machine has 1.00 GiB." in lms.type("get", REPO).err
    )
    assert daemon.wanted[0].file == "qwen3-4b-q2_k.gguf"


def test_a_budget_is_named_as_one(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.memory_of = "budget"
    assert "needs about 2.79 GiB of the memory budget's 8.00 GiB." in lms.type("get", REPO).err


def test_an_exact_result_of_a_search_is_taken(lms: Terminal, daemon: FakeDaemon) -> None:
    assert lms.type("get", "Qwen3-4B@q8_0").code == 0
    assert [(search.words, search.formats, search.limit) for search in daemon.searches] == [("Qwen3-4B", ("gguf",), 10)]
    assert daemon.wanted[0].model == f"{REPO}@q8_0"


@pytest.mark.parametrize("typed", ["Qwen3-4B-GGUF", "qwen3-4b@"])
def test_a_name_is_exact_with_and_without_what_says_that_it_is_gguf(
    lms: Terminal, daemon: FakeDaemon, typed: str
) -> None:
    assert lms.type("get", typed).code == 0
    assert daemon.wanted[0].model == REPO


def test_of_several_exact_results_yes_takes_the_most_downloaded_one(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.found = [FoundRepo(f"{owner}/{name}", ("gguf",)) for owner, name in (("a", "x-2"), ("b", "x"), ("c", "x"))]
    assert "Of 2 results this is the most downloaded: b/x." in lms.type("get", "x@q8_0", "-y").err
    assert daemon.wanted[0].model == "b/x@q8_0"


def test_two_quantizations_are_refused_before_the_hub_is_asked(lms: Terminal, daemon: FakeDaemon) -> None:
    ended = lms.type("get", "qwen@q4_0@q8_0")
    assert (ended.code, daemon.searches) == (2, [])
    assert "more than one @" in ended.err


def test_of_several_results_a_script_gets_the_names(lms: Terminal, daemon: FakeDaemon) -> None:
    ended = lms.type("get", "qwen3", "4b", "--json")
    assert (ended.code, ended.out) == (2, "")
    error = json.loads(ended.err.splitlines()[-1])["error"]
    assert error["candidates"] == [REPO, "bartowski/Qwen3-4B-Thinking-GGUF"]
    assert daemon.wanted == []
    assert daemon.searches[0].words == "qwen3 4b"


def test_yes_takes_the_most_downloaded_and_says_so(lms: Terminal, daemon: FakeDaemon) -> None:
    ended = lms.type("get", "qwen", "-y", "--limit", "5")
    assert ended.code == 0
    assert f"Of 2 results this is the most downloaded: {REPO}." in ended.err
    assert daemon.searches[0].limit == 5


def test_a_person_chooses_among_results_and_is_asked_before_it_begins(lms: Terminal, daemon: FakeDaemon) -> None:
    lms.is_tty, lms.keys = True, "1\ny\n"
    ended = lms.type("get", "qwen")
    assert ended.code == 0
    assert "2  bartowski/Qwen3-4B-Thinking-GGUF  GGUF, 1,000 downloads, gated" in ended.err
    assert "Download qwen/Qwen3-4B-GGUF Q4_K_M, 2.50 GB? [Y/n]" in ended.err
    assert len(daemon.wanted) == 1


def test_no_downloads_nothing(lms: Terminal, daemon: FakeDaemon) -> None:
    lms.is_tty, lms.keys = True, "n\n"
    ended = lms.type("get", REPO)
    assert (ended.code, "Nothing was downloaded." in ended.err) == (1, True)
    assert daemon.wanted == []


def test_select_shows_every_quantization_and_takes_the_chosen_one(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.hub_memory_bytes = 4 << 30
    lms.is_tty, lms.keys = True, "2\n"
    ended = lms.type("get", REPO, "--select")
    assert ended.code == 0
    assert "2  Q8_0    4.30 GB, does not fit  qwen3-4b-q8_0.gguf" in ended.err
    assert daemon.wanted[0].file == "qwen3-4b-q8_0.gguf"


@pytest.mark.parametrize("flags", [("--select",), ("-a", "-y")])
def test_select_needs_somebody_to_ask(lms: Terminal, daemon: FakeDaemon, flags: tuple[str, ...]) -> None:
    assert lms.type("get", REPO, *flags).code == 2
    assert daemon.wanted == []


def test_what_is_on_its_way_is_followed_without_a_question(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.offered = (replace(SMALL, state="downloading"),)
    lms.is_tty = True
    ended = lms.type("get", REPO)
    assert ended.code == 0
    assert "It is on its way already." in ended.err


@pytest.mark.parametrize(
    ("key", "said", "paused", "cancelled"),
    [("1", "It goes on.", [], []), ("2", "Paused.", [JOB], []), ("3", "Discarded.", [], [JOB])],
)
def test_ctrl_c_asks_what_is_to_become_of_it(
    lms: Terminal, daemon: FakeDaemon, key: str, said: str, paused: list[str], cancelled: list[str]
) -> None:
    daemon.interrupt = True
    lms.is_tty, lms.keys = True, f"{key}\n"
    ended = lms.type("get", f"{REPO}@q4_k_m")
    assert ended.code == 130
    assert said in ended.err
    assert (daemon.paused, daemon.cancelled) == (paused, cancelled)


def test_ctrl_c_where_nobody_can_be_asked_pauses(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.interrupt = True
    ended = lms.type("get", f"{REPO}@q4_k_m")
    assert ended.code == 130
    assert daemon.paused == [JOB]


def test_a_download_that_fails_says_why(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.download_error = DownloadFailed("Bad bytes.", hint="A proxy?")
    ended = lms.type("get", f"{REPO}@q4_k_m")
    assert (ended.code, ended.out) == (1, "")
    assert "Error: Bad bytes." in ended.err


def test_what_the_hub_refuses_is_said(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.refusal = HubRefused("“a/b” is gated.", hint="Set HF_TOKEN.")
    ended = lms.type("get", "a/b@q8_0", "--json")
    assert (ended.code, ended.out) == (1, "")
    assert json.loads(ended.err)["error"]["code"] == "hub_refused"


def test_a_search_that_finds_nothing(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.found = []
    ended = lms.type("get", "nonsense", "--mlx")
    assert ended.code == 1
    assert "no MLX model for “nonsense”" in ended.err
    assert daemon.searches[0].formats == ("mlx",)


def test_both_formats_may_be_asked_for(lms: Terminal, daemon: FakeDaemon) -> None:
    lms.type("get", "nonsense", "--mlx", "--gguf")
    assert daemon.searches[0].formats == ("gguf", "mlx")


def test_the_hub_is_asked_as_the_one_who_types(lms: Terminal, daemon: FakeDaemon) -> None:
    lms.environ = {"HF_ENDPOINT": "https://mirror.example", "HF_TOKEN": "hf_mine"}
    lms.type("get", f"{REPO}@q4_k_m")
    assert (daemon.wanted[0].endpoint, daemon.wanted[0].token) == ("https://mirror.example", "hf_mine")


def test_words_are_needed(lms: Terminal) -> None:
    ended = lms.type("get")
    assert ended.code == 2
    assert "What is to be downloaded?" in ended.err


@pytest.mark.parametrize("limit", ["0", "101", "many"])
def test_the_limit_is_a_number(lms: Terminal, limit: str) -> None:
    assert lms.type("get", "x", "-n", limit).code == 2
