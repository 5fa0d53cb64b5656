"""What is set for a model, from the command line to an engine and back, across a daemon that ends."""

import json
from typing import Any

from tests.engine.kinds import mixture
from tests.real.conftest import Lms


def loaded(lms: Lms) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(lms("ps", "--json").stdout)
    return rows


def estimate(lms: Lms) -> dict[str, Any]:
    figures: dict[str, Any] = json.loads(lms("load", "tiny-chat", "--estimate-only", "--json").stdout)
    return figures


def test_what_is_set_for_a_model_holds_for_loads_by_hand_and_is_said(lms: Lms) -> None:
    lms("config", "set", "tiny-chat", "context_length", "512")
    lms("config", "set", "tiny-chat", "temperature", "0")
    assert "As set for tiny-chat (lms config): context length 512.\n" in lms("load", "tiny-chat", "--pin").stderr
    (row,) = loaded(lms)
    assert (row["contextLength"], row["pinned"], row["loadConfig"]) == (512, True, {"contextLength": 512})
    lms("load", "tiny-chat", "--reuse")
    refused = lms("load", "tiny-chat", "--reuse", "--threads", "3", check=False)
    assert (refused.returncode, len(loaded(lms))) == (1, 1)
    assert "is loaded already, with another threads." in refused.stderr


def test_under_a_memory_budget_a_load_is_refused_with_the_numbers_and_done_by_force(lms: Lms) -> None:
    lms("config", "set", "server", "memory_budget_mb", "1")
    refused = lms("load", "tiny-chat", check=False)
    assert refused.returncode == 1
    assert "of a budget of 1 MiB" in refused.stderr
    assert "--force" in refused.stderr
    assert "would be refused, except with --force" in lms("load", "tiny-chat", "--estimate-only").stdout
    lms("load", "tiny-chat", "--force")
    assert [row["identifier"] for row in loaded(lms)] == ["tiny-chat"]


def test_a_budget_unloads_the_least_recently_used_and_says_so_but_never_what_is_pinned(lms: Lms) -> None:
    lms("load", "tiny-chat")
    each_bytes = max(estimate(lms)["memory"]["totalBytes"], lms.client.instances()[0].memory_bytes)
    lms("config", "set", "server", "memory_budget_mb", str(3 * (each_bytes // 2**20 + 16)))
    lms("daemon", "down")
    for name, flags in (("pinned", ["--pin"]), ("old", []), ("new", [])):
        lms("load", "tiny-chat", "--identifier", name, *flags)
    lms("chat", "old", "-p", "Say this is a test!")
    figures = estimate(lms)
    assert (figures["evicted"], figures["passesGuardrails"]) == (["new"], True)
    assert figures["memory"]["freedBytes"] > 0
    done = lms("load", "tiny-chat", "--identifier", "newest")
    assert "Unloaded to make room: new.\n" in done.stderr
    assert {row["identifier"] for row in loaded(lms)} == {"pinned", "old", "newest"}
    assert "makes room for “newest”" in lms.home.daemon_log.read_text(encoding="utf-8")


def test_a_wrong_adapter_and_a_wrong_template_are_refused_without_leaving_anything(lms: Lms) -> None:
    wrong = lms.home.root / "wrong"
    wrong.write_text("{% for %}", encoding="utf-8")
    for flag, said in (("--lora", "is no LoRA adapter"), ("--chat-template", "template")):
        refused = lms("load", "tiny-chat", flag, str(wrong), check=False)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert said in refused.stderr
    assert loaded(lms) == []


def test_a_mixture_is_loaded_with_as_many_experts_as_asked_for_and_no_other_model_is(lms: Lms) -> None:
    folder = lms.home.root / "models" / "someone" / "Mixture-GGUF"
    folder.mkdir(parents=True)
    mixture(folder / "mixture.gguf", used=2)
    lms("load", "mixture", "--num-experts", "1")
    (row,) = loaded(lms)
    assert row["loadConfig"] == {"numExperts": 1}
    for model, number, said in (("mixture", "5", "has 4 experts"), ("tiny-chat", "2", "is no mixture of experts")):
        refused = lms("load", model, "--num-experts", number, check=False)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert said in refused.stderr
    assert len(loaded(lms)) == 1
