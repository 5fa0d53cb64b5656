import json
from pathlib import Path

import pytest

from lms.cli.load import chosen, context_tokens, gpu_ratio
from lms.client.control import InstanceRow, LoadRequest
from lms.config.load import LoadConfig, Lora
from lms.errors import EngineFailed, UsageError
from tests.cli.conftest import Terminal
from tests.cli.fake_daemon import BROKEN, EMBEDDING, QWEN, TINY, FakeDaemon


@pytest.mark.parametrize(
    ("typed", "ratio"), [(None, None), ("off", 0.0), (" MAX ", 1.0), ("0", 0.0), ("0.5", 0.5), ("1", 1.0)]
)
def test_gpu_takes_off_max_or_a_part(typed: str | None, ratio: float | None) -> None:
    assert gpu_ratio(typed) == ratio


@pytest.mark.parametrize("typed", ["auto", "", "1.1", "-0.1", "nan", "inf", "half"])
def test_gpu_takes_nothing_else(typed: str) -> None:
    with pytest.raises(UsageError, match="--gpu takes"):
        gpu_ratio(typed)


@pytest.mark.parametrize(("typed", "tokens"), [(None, None), ("max", "max"), ("MAX", "max"), ("8192", 8192)])
def test_context_takes_max_or_tokens(typed: str | None, tokens: int | str | None) -> None:
    assert context_tokens(typed) == tokens


@pytest.mark.parametrize("typed", ["", "0", "-1", "4k", "1.5", "٣", "2147483648", "9" * 5000])
def test_context_takes_nothing_else(typed: str) -> None:
    with pytest.raises(UsageError, match="--context-length takes max or a number from 1 to 2147483647"):
        context_tokens(typed)


@pytest.mark.parametrize("flags", [["--gpu", "auto"], ["-c", "0"]])
def test_a_bad_value_starts_nothing(lms: Terminal, daemon: FakeDaemon, flags: list[str]) -> None:
    daemon.on = False
    assert lms.type("load", "tiny-chat", *flags).code == 2
    assert lms.started == 0


def test_load_says_how_long_it_took_and_the_identifier_to_use(lms: Terminal) -> None:
    ended = lms.type("load", "tiny-chat")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err.splitlines() == [
        "Loaded in 1.25s.",
        "(3.72 MiB, context 4,096 tokens, 4 at once)",
        'Use this identifier in the API: "tiny-chat"',
    ]


def test_every_flag_arrives(lms: Terminal, daemon: FakeDaemon) -> None:
    flags = ["--gpu", "0.5", "-c", "1024", "--parallel", "2", "--ttl", "60", "--identifier", "mine"]
    assert lms.type("load", "tiny-chat", *flags).code == 0
    assert daemon.requests == [LoadRequest("tiny-chat", "mine", 60, LoadConfig(1024, 2, 0.5))]


def test_every_tuning_flag_arrives(lms: Terminal, daemon: FakeDaemon) -> None:
    flags = (
        "--threads 2 --batch-threads 3 --batch-size 256 --micro-batch-size 128 --flash-attention on "
        "--kv-cache-type q8_0,q4_0 --unified-kv off --no-offload-kv-cache --no-mmap --mlock "
        "--speculation ngram --draft-model tiny --prompt-cache-mb 0 --prompt-cache-disk-mb 7 "
        "--overflow rollingwindow"
    )
    assert lms.type("load", "tiny-chat", *flags.split()).code == 0
    assert daemon.requests[0].config == LoadConfig(
        threads=2,
        batch_threads=3,
        batch_size=256,
        micro_batch_size=128,
        k_cache_type="q8_0",
        v_cache_type="q4_0",
        flash_attention=True,
        unified_kv=False,
        offload_kv_cache=False,
        use_mmap=False,
        use_mlock=True,
        speculation="ngram",
        draft_model="tiny",
        prompt_cache_mb=0,
        prompt_cache_disk_mb=7,
        overflow="rollingWindow",
    )


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--threads", "0"], "--threads takes a number from 1 to 512"),
        (["--batch-threads", "many"], "--batch-threads takes a number"),
        (["--batch-size", "-1"], "--batch-size takes a number"),
        (["--micro-batch-size", "1.5"], "--micro-batch-size takes a number"),
        (["--flash-attention", "maybe"], "--flash-attention takes auto, on or off"),
        (["--kv-cache-type", "q3"], "--kv-cache-type takes f16, q8_0 or q4_0"),
        (["--kv-cache-type", "f16,"], "--kv-cache-type takes f16, q8_0 or q4_0"),
        (["--unified-kv", ""], "--unified-kv takes auto, on or off"),
        (["--speculation", "draft"], "--speculation takes off or ngram"),
        (["--overflow", "forget"], "--overflow takes refuse, stopAtLimit, truncateMiddle or rollingWindow"),
        (["--prompt-cache-mb", "x"], "--prompt-cache-mb takes a number from 0"),
        (["--kv-cache-type", "q8_0", "--flash-attention", "off"], "Values kept as q8_0 need flash attention"),
        (["--main-gpu", "16"], "--main-gpu takes a number from 0 to 15"),
        (["--tensor-split", "1,x"], "--tensor-split takes shares"),
        (["--tensor-split", "0,0"], "--tensor-split takes shares"),
        (["--tensor-split", "1,1", "--main-gpu", "0"], "A model that is split over several GPUs has no main GPU"),
        (
            ["--lora", "/nowhere/a.gguf:0.5"],
            "--lora takes a GGUF file, or FILE:scale: there is no file /nowhere/a.gguf.",
        ),
        (["--chat-template", "/nowhere"], "--chat-template takes a file with a Jinja template"),
        (["--num-experts", "0"], "--num-experts takes a number from 1"),
        (["--mmap", "--no-mmap"], "Give --mmap or --no-mmap, not both."),
        (["--config", "/nowhere"], "--config takes a file of JSON"),
        (["--batch-size", "64", "--micro-batch-size", "65"], "A micro batch of 65 is larger than a batch of 64"),
    ],
)
def test_a_bad_tuning_value_is_refused_in_one_line_and_starts_nothing(
    lms: Terminal, daemon: FakeDaemon, flags: list[str], said: str
) -> None:
    daemon.on = False
    ended = lms.type("load", "tiny-chat", *flags)
    assert (ended.code, lms.started) == (2, 0)
    assert ended.err.startswith(f"Error: {said}")


def test_what_is_asked_for_to_be_as_ever_goes_over_what_is_set_for_the_model(lms: Terminal, daemon: FakeDaemon) -> None:
    lms.type("load", "tiny-chat", "--flash-attention", "AUTO", "--mmap", "--no-mlock", "--kv-cache-type", "f16")
    assert daemon.requests[0].config == LoadConfig()
    assert set(daemon.requests[0].said) == {
        "flash_attention", "use_mmap", "use_mlock", "k_cache_type", "v_cache_type",
    }  # fmt: skip


def test_lm_studios_words_for_a_draft_model_are_understood_and_not_shown(
    lms: Terminal, daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--speculative-draft-simple", "--speculative-draft-model", "tiny-chat", "--local"]
    assert lms.type("load", "qwen3-4b", *flags).code == 0
    assert lms.type("load", "qwen3-4b", "--no-speculative-draft-mtp").code == 0
    assert [request.config for request in daemon.requests] == [LoadConfig(draft_model="tiny-chat"), LoadConfig()]
    lms.type("load", "--help")
    shown = capsys.readouterr().out
    assert "--draft-model" in shown
    assert "speculative" not in shown


@pytest.mark.parametrize(
    "flags",
    [
        ["--speculative-draft-mtp"],
        ["--speculative-draft-simple"],
        ["--speculative-draft-model", "tiny-chat"],
        ["--speculative-draft-simple", "--speculative-draft-model", ""],
        ["--speculative-draft-max-tokens", "8"],
        ["--speculative-draft-min-tokens", "1"],
        ["--speculative-draft-min-continue-probability", "0.5"],
    ],
)
def test_what_cannot_be_had_of_them_is_refused_by_name(lms: Terminal, daemon: FakeDaemon, flags: list[str]) -> None:
    daemon.on = False
    ended = lms.type("load", "qwen3-4b", *flags)
    assert (ended.code, lms.started) == (2, 0)
    assert ended.err.startswith(f"Error: {flags[0]} ") or "--speculative-draft-model KEY go together" in ended.err


@pytest.fixture
def lora(tmp_path: Path) -> Path:
    file = tmp_path / "style:2.gguf"
    file.write_bytes(b"GGUF")
    return file


def test_flags_for_devices_and_changes_arrive(lms: Terminal, daemon: FakeDaemon, tmp_path: Path, lora: Path) -> None:
    template = tmp_path / "t.jinja"
    template.write_text("{{ messages }}")
    flags = ["--tensor-split", "3,1", "--lora", str(lora), "--lora", f"{lora}:0.5", "--chat-template", str(template)]
    flags += ["--num-experts", "4"]
    assert lms.type("load", "tiny-chat", *flags).code == 0
    assert daemon.requests[0].config == LoadConfig(
        tensor_split=(3.0, 1.0),
        lora=(Lora(str(lora)), Lora(str(lora), 0.5)),
        chat_template="{{ messages }}",
        num_experts=4,
    )


def test_pin_force_and_reuse_arrive(lms: Terminal, daemon: FakeDaemon) -> None:
    lms.type("load", "tiny-chat", "--pin", "--force", "--reuse")
    assert daemon.requests == [LoadRequest("tiny-chat", pinned=True, force=True, reuse=True)]


def test_a_file_gives_options_and_flags_go_over_them(lms: Terminal, daemon: FakeDaemon, tmp_path: Path) -> None:
    file = tmp_path / "load.json"
    file.write_text('{"context_length": 512, "threads": 2, "maxParallelPredictions": 3}')
    assert lms.type("load", "tiny-chat", "--config", str(file), "-c", "max").code == 0
    assert daemon.requests[0].config == LoadConfig(context_length=TINY.max_context_length, threads=2, parallel=3)


def test_a_file_says_how_long_a_model_stays_and_that_its_context_is_the_longest(
    lms: Terminal, daemon: FakeDaemon, tmp_path: Path
) -> None:
    file = tmp_path / "load.json"
    file.write_text('{"contextLength": "max", "ttl_s": 60, "pinned": true}')
    config = LoadConfig(context_length=TINY.max_context_length)
    assert lms.type("load", "tiny-chat", "--config", str(file)).code == 0
    assert lms.type("load", "tiny-chat", "--config", str(file), "--ttl", "5").code == 0
    assert daemon.requests == [LoadRequest("tiny-chat", ttl_s=ttl, config=config, pinned=True) for ttl in (60, 5)]


def test_a_model_can_be_loaded_again_as_ps_says_that_it_is(lms: Terminal, daemon: FakeDaemon, tmp_path: Path) -> None:
    lms.type("load", "tiny-chat", "--threads", "2", "--kv-cache-type", "q8_0", "--no-mmap", "--tensor-split", "1,2")
    file = tmp_path / "load.json"
    file.write_text(json.dumps(lms.type("ps", "--json").json[0]["loadConfig"]))
    lms.type("load", "tiny-chat", "--config", str(file))
    assert daemon.requests[1].config == daemon.requests[0].config


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "--config takes a file of JSON"),
        ("[]", "--config takes a file with a JSON object"),
        ('{"thread": 2}', "“thread” is no setting"),
        ('{"ttl_s": 0}', "ttl_s takes a number over 0.0."),
        ('{"threads": "max"}', "threads takes a whole number."),
        ('{"threads": "two"}', "threads takes a whole number."),
        ('{"threads": 2, "flashAttention": false, "flash_attention": true}', "gives an option twice"),
        ('{"flash_attention": false, "v_cache_type": "q8_0"}', "Values kept as q8_0 need flash attention"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_and_starts_nothing(
    lms: Terminal, daemon: FakeDaemon, tmp_path: Path, content: str, said: str
) -> None:
    daemon.on = False
    file = tmp_path / "load.json"
    file.write_text(content)
    ended = lms.type("load", "tiny-chat", "--config", str(file))
    assert (ended.code, lms.started) == (2, 0)
    assert said in ended.err


def test_what_is_reused_is_said_to_be(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.reuses = True
    ended = lms.type("load", "tiny-chat", "--reuse")
    assert ended.err.startswith("It was loaded already.\n")
    assert lms.type("load", "tiny-chat", "--reuse", "--json").json["reused"] is True


def test_a_default_context_shorter_than_the_models_is_said(lms: Terminal) -> None:
    ended = lms.type("load", "qwen3-4b")
    assert "The context is the default one; the model takes 40,960 tokens (-c max)." in ended.err
    assert "default one" not in lms.type("load", "qwen3-4b", "-c", "8192").err


def test_what_was_set_for_the_model_is_said() -> None:
    row = InstanceRow("q", QWEN, "idle", 8192, 4, ttl_s=60.0, config=LoadConfig(context_length=8192, threads=2))
    asked = LoadRequest("q", config=LoadConfig(threads=2))
    assert chosen(row, asked) == ["As set for qwen3-4b (lms config): context length 8192, unloaded when idle for 60 s."]
    pinned = InstanceRow("q", QWEN, "idle", 8192, 4, pinned=True, config=LoadConfig(use_mlock=True))
    assert chosen(pinned, asked, reused=True)[0] == "As it was loaded before: pinned, use mlock on."


def test_who_was_unloaded_for_it_is_said(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.evicts = ("old", "older")
    assert "Unloaded to make room: old, older.\n" in lms.type("load", "tiny-chat").err
    assert lms.type("load", "tiny-chat", "--json").json["evicted"] == ["old", "older"]


def test_an_estimate_says_what_is_left_of_a_budget(lms: Terminal, daemon: FakeDaemon) -> None:
    assert "Memory Budget" not in lms.type("load", "qwen3-4b", "--estimate-only").out
    daemon.budget_bytes = 2 << 30
    ended = lms.type("load", "qwen3-4b", "--estimate-only")
    assert "Memory Budget:          2.00 GiB, 512.00 MiB of it free\n" in ended.out
    memory = lms.type("load", "qwen3-4b", "--estimate-only", "--json").json["memory"]
    assert (memory["budgetBytes"], memory["budgetFreeBytes"]) == (2 << 30, 1 << 29)


def test_an_estimate_says_what_was_lowered_and_who_would_go(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.evicts = ("old",)
    ended = lms.type("load", "qwen3-4b", "--estimate-only", "-c", "99999")
    assert "Context Length: 40,960, lowered from 99,999\n" in ended.out
    lowered = lms.type("load", "qwen3-4b", "--estimate-only", "-c", "99999", "--json").json
    assert lowered["warnings"] == ["The context length would be lowered from 99999 to 40960."]
    assert "Unloading would free:   1.00 GiB (old)\n" in ended.out
    assert lms.type("load", "qwen3-4b", "--estimate-only", "--json").json["evicted"] == ["old"]


def test_without_flags_everything_is_left_to_the_daemon(lms: Terminal, daemon: FakeDaemon) -> None:
    lms.type("load", "tiny-chat")
    assert daemon.requests == [LoadRequest("tiny-chat")]


def test_context_max_is_the_models_own_limit(lms: Terminal, daemon: FakeDaemon) -> None:
    lms.type("load", "tiny-chat", "-c", "max")
    assert daemon.requests[0].config.context_length == TINY.max_context_length


def test_context_max_of_a_model_that_states_no_limit_is_refused(lms: Terminal) -> None:
    assert lms.type("load", "broken", "-c", "max").code == 1


def test_what_was_clamped_is_warned_of(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.warnings = ("The model holds 2048 tokens: the context is 2048, not 9000.",)
    ended = lms.type("load", "tiny-chat", "-c", "9000")
    assert ended.code == 0
    assert f"Warning: {daemon.warnings[0]}\n" in ended.err


def test_json_is_the_new_instance_with_its_load_time(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.warnings = ("careful",)
    shape = lms.type("load", "tiny-chat", "--ttl", "60", "--json").json
    assert shape["identifier"] == shape["modelKey"] == "tiny-chat"
    assert (shape["ttlMs"], shape["loadTimeSeconds"], shape["warnings"]) == (60_000, 1.25, ["careful"])


def test_json_without_warnings_has_no_such_key(lms: Terminal) -> None:
    assert "warnings" not in lms.type("load", "tiny-chat", "--json").json


def test_loading_again_gives_one_more_instance_and_says_so(lms: Terminal) -> None:
    lms.type("load", "tiny-chat")
    ended = lms.type("load", "tiny-chat")
    assert "was loaded already: this is one more instance" in ended.err
    assert '"tiny-chat:2"' in ended.err


def test_an_identifier_in_use_is_a_failure(lms: Terminal) -> None:
    lms.type("load", "tiny-chat", "--identifier", "mine")
    assert lms.type("load", "qwen3-4b", "--identifier", "mine").code == 1


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a\x1b[2J", "a\u2028b", "x" * 1025])
def test_an_identifier_that_is_no_name_is_refused_in_one_line(lms: Terminal, daemon: FakeDaemon, name: str) -> None:
    daemon.on = False
    ended = lms.type("load", "tiny-chat", "--identifier", name)
    assert (ended.code, lms.started, ended.err.count("\n")) == (2, 0, 1)
    assert ended.err.startswith("Error: --identifier takes ")


@pytest.mark.parametrize("name", ["qwen3-4b", "QWEN3-4B", "qwen3-4b@q8_0", "text-embedding-tiny"])
def test_an_identifier_that_means_another_model_is_refused(lms: Terminal, daemon: FakeDaemon, name: str) -> None:
    ended = lms.type("load", "tiny-chat", "--identifier", name)
    assert (ended.code, daemon.requests) == (2, [])
    assert f"--identifier cannot be “{name}”: requests for" in ended.err


@pytest.mark.parametrize(("key", "name"), [("tiny-chat", "tiny-chat"), ("qwen3-4b@q8_0", "qwen3-4b")])
def test_an_identifier_may_be_the_models_own_key(lms: Terminal, key: str, name: str) -> None:
    assert lms.type("load", key, "--identifier", name).code == 0


@pytest.mark.parametrize("name", ["mein Modell", "👩‍💻", "x" * 1024])
def test_any_other_name_will_do(lms: Terminal, name: str) -> None:
    assert lms.type("load", "tiny-chat", "--identifier", name).code == 0


def test_ctrl_c_cancels_the_load_and_ends_with_130(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.stop_after = 2
    ended = lms.type("load", "tiny-chat")
    assert (ended.code, ended.out, ended.err) == (130, "", "Cancelled: nothing was loaded.\n")
    assert daemon.loaded == []


def test_a_load_that_ctrl_c_came_too_late_for_is_told_of(lms: Terminal, daemon: FakeDaemon) -> None:
    lms.type("load", "tiny-chat")
    daemon.stop_after, daemon.stop_leaves = 3, "idle"
    ended = lms.type("load", "tiny-chat")
    assert (ended.code, ended.out) == (130, "")
    assert ended.err == "Too late: it is loaded, as “tiny-chat:2”. lms unload tiny-chat:2 unloads it.\n"


def test_a_load_that_the_daemon_still_has_to_end_is_waited_for(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.stop_after, daemon.stop_leaves, daemon.gone_after = 3, "loading", 2
    ended = lms.type("load", "tiny-chat", "--identifier", "mine")
    assert (ended.code, ended.err) == (130, "Cancelled: nothing was loaded.\n")


def test_on_a_terminal_a_bar_shows_the_progress(lms: Terminal) -> None:
    lms.is_tty = True
    lms.environ["TERM"] = "xterm"
    ended = lms.type("load", "tiny-chat")
    assert "Loading tiny-chat" in ended.err
    assert ended.out == ""


@pytest.mark.parametrize(("typed", "key"), [("tiny", "tiny-chat"), ("qwen", "qwen3-4b"), ("embed", EMBEDDING.key)])
def test_a_part_that_means_one_key_is_enough_and_the_key_is_said(
    lms: Terminal, daemon: FakeDaemon, typed: str, key: str
) -> None:
    ended = lms.type("load", typed)
    assert (ended.code, daemon.requests[0].model) == (0, key)
    assert ended.err.startswith(f"“{typed}” is taken to mean {key}.\n")


@pytest.mark.parametrize("typed", ["qwen3-4b", "QWEN3-4B", "qwen3-4b@q8_0"])
def test_a_whole_key_needs_no_word_about_it(lms: Terminal, typed: str) -> None:
    assert "taken to mean" not in lms.type("load", typed).err


def test_a_variant_is_loaded_as_named(lms: Terminal, daemon: FakeDaemon) -> None:
    assert lms.type("load", "qwen3-4b@q8_0").code == 0
    assert daemon.requests[0].model == "qwen3-4b@q8_0"


def test_an_unknown_model_is_a_failure_with_a_hint(lms: Terminal) -> None:
    ended = lms.type("load", "nothing-like-it")
    assert ended.code == 1
    assert "lms ls" in ended.err


def test_an_ambiguous_name_lists_the_candidates_and_ends_with_2_without_a_terminal(
    lms: Terminal, daemon: FakeDaemon
) -> None:
    ended = lms.type("load", "t")
    assert (ended.code, ended.out, daemon.requests) == (2, "", [])
    assert ended.err.splitlines()[1:3] == ["  text-embedding-tiny", "  tiny-chat"]


def test_an_ambiguous_name_is_asked_about_on_a_terminal(lms: Terminal, daemon: FakeDaemon) -> None:
    lms.is_tty, lms.keys = True, "z\n9\n2\n"
    ended = lms.type("load", "t")
    assert (ended.code, ended.out) == (0, "")
    assert daemon.requests[0].model == "tiny-chat"


def test_no_name_asks_for_one_and_does_not_offer_damaged_models(lms: Terminal, daemon: FakeDaemon) -> None:
    lms.is_tty, lms.keys = True, "1\n"
    ended = lms.type("load")
    assert BROKEN.key not in ended.err
    assert daemon.requests[0].model == "qwen3-4b"


@pytest.mark.parametrize("flags", [[], ["-y"], ["--json"]])
def test_no_name_and_no_terminal_ends_with_2(lms: Terminal, flags: list[str]) -> None:
    assert lms.type("load", *flags).code == 2


def test_the_end_of_the_input_is_no_answer(lms: Terminal, daemon: FakeDaemon) -> None:
    lms.is_tty = True
    assert lms.type("load", "t").code == 1
    assert daemon.requests == []


@pytest.mark.parametrize("flag", ["--json", "--quiet"])
def test_who_wants_json_or_quiet_is_never_asked(lms: Terminal, flag: str) -> None:
    lms.is_tty, lms.keys = True, "1\n"
    assert lms.type("load", "t", flag).code == 2


def test_the_only_model_on_disk_needs_no_name(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.rows = [BROKEN, TINY]
    assert lms.type("load").code == 0
    assert daemon.requests[0].model == "tiny-chat"


def test_no_models_at_all_is_a_failure(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.rows = [BROKEN]
    assert lms.type("load").code == 1


def test_yes_takes_the_first_of_several_and_says_so(lms: Terminal, daemon: FakeDaemon) -> None:
    ended = lms.type("load", "t", "-y")
    assert ended.code == 0
    assert "Warning: 2 models could be meant. Taking text-embedding-tiny.\n" in ended.err
    assert daemon.requests[0].model == "text-embedding-tiny"


def test_yes_without_a_name_takes_what_was_loaded_last_and_is_still_there(lms: Terminal, daemon: FakeDaemon) -> None:
    assert lms.type("load", "-y").code == 2
    for key in ("qwen3-4b@q8_0", "qwen3-4b", "tiny-chat"):
        lms.type("load", key)
    lms.type("load", "text-embedding-tiny", "--estimate-only")
    assert "Taking tiny-chat, which was loaded last.\n" in lms.type("load", "-y").err
    daemon.rows.remove(TINY)
    assert lms.type("load", "-y", "--json").json["modelKey"] == "qwen3-4b"
    daemon.load_error = EngineFailed("It died.")
    lms.type("load", "qwen3-4b@q8_0")
    daemon.load_error = None
    lms.type("load", "-y")
    assert daemon.requests[-1].model == "qwen3-4b"


@pytest.mark.parametrize("content", ["", "{}", "[1]", "\xff"])
def test_a_damaged_note_of_what_was_loaded_last_is_none(lms: Terminal, content: str) -> None:
    lms.home.recent_models.write_text(content)
    assert lms.type("load", "-y").code == 2
    assert lms.type("load", "tiny-chat").code == 0
    assert lms.type("load", "-y").code == 0


@pytest.mark.parametrize("name", ["tiny-chat", "TINY-CHAT", TINY.path])
def test_exact_takes_a_whole_key_or_path(lms: Terminal, daemon: FakeDaemon, name: str) -> None:
    assert lms.type("load", "--exact", name).code == 0
    assert daemon.requests[0].model == "tiny-chat"


def test_exact_takes_the_key_of_a_variant(lms: Terminal, daemon: FakeDaemon) -> None:
    assert lms.type("load", "--exact", "qwen3-4b@q8_0").code == 0
    assert daemon.requests[0].model == "qwen3-4b@q8_0"


def test_exact_takes_no_part(lms: Terminal) -> None:
    ended = lms.type("load", "--exact", "qwen")
    assert ended.code == 1
    assert "A path looks like lms/text-embedding-tiny." in ended.err


def test_exact_needs_a_name(lms: Terminal) -> None:
    assert lms.type("load", "--exact").code == 2


def test_an_estimate_loads_nothing_and_ends_with_0_whatever_it_says(lms: Terminal, daemon: FakeDaemon) -> None:
    ended = lms.type("load", "qwen3-4b", "--estimate-only", "-c", "8192", "--gpu", "0.5")
    assert (ended.code, ended.err, daemon.loaded) == (0, "", [])
    assert "Context Length: 8,192\nGPU Offload: 50%\n" in ended.out
    assert "Estimated Total Memory: 2.50 GiB\n" in ended.out
    assert "Prompt Cache, at most:  512.00 MiB\nEstimated GPU Memory:   1.00 GiB\n" in ended.out
    assert "would not fit" in ended.out


def test_an_estimate_in_json(lms: Terminal) -> None:
    shape = lms.type("load", "qwen3-4b", "--estimate-only", "--json").json
    assert shape["modelKey"] == "qwen3-4b"
    assert shape["memory"]["totalBytes"] == 5 * 1024**3 // 2
    assert shape["memory"]["promptCacheBytes"] == 512 * 1024**2
    assert shape["passesGuardrails"] is False
