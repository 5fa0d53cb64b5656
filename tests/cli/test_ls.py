from tests.cli.conftest import Terminal
from tests.cli.fake_daemon import BROKEN, EMBEDDING, QWEN, TINY, FakeDaemon

MODEL_KEYS = {
    "type", "modelKey", "format", "displayName", "publisher", "path", "sizeBytes", "indexedModelIdentifier",
    "deviceIdentifier", "maxContextLength",
}  # fmt: skip


def keys(listed: list[dict[str, object]]) -> list[object]:
    return [model["modelKey"] for model in listed]


def test_the_listing_counts_models_and_disk_space(lms: Terminal) -> None:
    ended = lms.type("ls")
    assert ended.code == 0
    assert "You have 4 models, taking up 2.50 GB of disk space." in ended.out
    assert ended.err == ""


def test_disk_space_counts_every_variant(lms: Terminal, daemon: FakeDaemon) -> None:
    import msgspec

    daemon.rows = [msgspec.structs.replace(QWEN, family_bytes=7_000_000_000)]
    assert "You have 1 model, taking up 7.00 GB of disk space." in lms.type("ls").out


def test_a_download_that_is_not_finished_is_mentioned_once_and_is_no_model(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.begun = [
        daemon.unfinished("paused", 2, 3),
        daemon.unfinished("failed", 1, 2),
        daemon.unfinished("failed", 0),
    ]
    ended = lms.type("ls")
    assert ended.err.splitlines() == [
        "A download is paused: qwen/Qwen3-4B-GGUF@Q4_K_M, 1.25 GB of 2.50 GB.",
        "lms get goes on with it, lms rm discards it.",
    ]
    assert lms.type("ls", "--json").err == ""
    daemon.begun = [daemon.unfinished("completed", 4), daemon.unfinished("failed", 0)]
    assert lms.type("ls").err == ""


def test_llms_and_embedding_models_have_a_table_each(lms: Terminal) -> None:
    lines = [line.split() for line in lms.type("ls").out.splitlines()]
    assert ["LLM", "PARAMS", "ARCH", "SIZE", "DEVICE"] in lines
    assert ["EMBEDDING", "PARAMS", "ARCH", "SIZE", "DEVICE"] in lines
    assert ["qwen3-4b", "(2", "variants)", "4B", "Qwen3", "2.50", "GB", "Local"] in lines


def test_loaded_models_are_marked_with_their_number(lms: Terminal) -> None:
    lms.type("load", "tiny-chat")
    assert "✓ LOADED" in lms.type("ls").out
    lms.type("load", "tiny-chat")
    assert "✓ LOADED (2)" in lms.type("ls").out


def test_a_damaged_model_is_shown_with_the_reason(lms: Terminal) -> None:
    assert f"✗ DAMAGED: {BROKEN.damaged}" in lms.type("ls").out


def test_filters_choose_a_type_and_both_together_choose_all(lms: Terminal) -> None:
    assert keys(lms.type("ls", "--embedding", "--json").json) == [EMBEDDING.key]
    assert keys(lms.type("ls", "--llm", "--json").json) == [BROKEN.key, QWEN.key, TINY.key]
    assert len(lms.type("ls", "--llm", "--embedding", "--json").json) == 4


def test_nothing_to_list_is_said_and_is_no_failure(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.rows = [TINY]
    assert lms.type("ls", "--embedding").out == "1 model on disk, none of that type.\n"
    daemon.rows = []
    ended = lms.type("ls")
    assert (ended.code, ended.out) == (0, "There are no models on disk.\n")
    assert lms.type("ls", "--json").json == []


def test_json_of_an_llm_has_lm_studios_keys(lms: Terminal) -> None:
    shape = next(model for model in lms.type("ls", "--json").json if model["modelKey"] == "qwen3-4b")
    assert shape == {
        "type": "llm",
        "modelKey": "qwen3-4b",
        "format": "gguf",
        "displayName": "Qwen3 4B",
        "publisher": "qwen",
        "path": "qwen/Qwen3-4B-GGUF/qwen3-4b-q4_k_m.gguf",
        "sizeBytes": 2_497_280_256,
        "indexedModelIdentifier": "qwen/Qwen3-4B-GGUF/qwen3-4b-q4_k_m.gguf",
        "deviceIdentifier": None,
        "paramsString": "4B",
        "architecture": "qwen3",
        "quantization": {"name": "Q4_K_M", "bits": 4},
        "variants": ["qwen3-4b@q4_k_m", "qwen3-4b@q8_0"],
        "selectedVariant": "qwen3-4b@q4_k_m",
        "vision": False,
        "trainedForToolUse": True,
        "maxContextLength": 40960,
    }


def test_json_leaves_out_what_is_not_known(lms: Terminal) -> None:
    [shape] = lms.type("ls", "--embedding", "--json").json
    assert set(shape) == MODEL_KEYS
    assert (shape["type"], shape["format"]) == ("embedding", "safetensors")


def test_a_vision_model_is_an_llm_in_json(lms: Terminal, daemon: FakeDaemon) -> None:
    import msgspec

    daemon.rows = [msgspec.structs.replace(TINY, kind="vlm", vision=True)]
    [shape] = lms.type("ls", "--llm", "--json").json
    assert (shape["type"], shape["vision"]) == ("llm", True)


def test_a_model_lists_its_variants_and_marks_the_selected_one(lms: Terminal) -> None:
    out = lms.type("ls", "qwen3-4b").out
    assert "Listing variants for qwen3-4b:" in out
    assert " * qwen3-4b@q4_k_m" in out
    assert "   qwen3-4b@q8_0" in out
    shapes = lms.type("ls", "qwen3-4b", "--json").json
    assert keys(shapes) == ["qwen3-4b@q4_k_m", "qwen3-4b@q8_0"]
    assert all("variants" not in shape for shape in shapes)


def test_every_variant_that_is_printed_can_be_loaded(lms: Terminal) -> None:
    listed = lms.type("ls", "qwen3-4b", "--json").json
    assert [lms.type("load", model["modelKey"]).code for model in listed] == [0, 0]


def test_a_model_without_variants_lists_itself(lms: Terminal) -> None:
    assert keys(lms.type("ls", "tiny-chat", "--json").json) == ["tiny-chat"]
    assert "tiny-chat" in lms.type("ls", "tiny-chat").out


def test_an_unknown_model_is_a_failure(lms: Terminal) -> None:
    assert lms.type("ls", "nobody").code == 1


def test_variants_of_all_models(lms: Terminal) -> None:
    out = lms.type("ls", "--variants").out
    assert "\nqwen3-4b " in out
    assert " * qwen3-4b@q4_k_m" in out
    [family] = lms.type("ls", "--variants", "--json").json
    assert (family["model"]["modelKey"], len(family["variants"])) == ("qwen3-4b", 2)


def test_variants_with_a_model_is_a_usage_error(lms: Terminal) -> None:
    assert lms.type("ls", "qwen3-4b", "--variants").code == 2


def test_detailed_is_taken_with_a_warning(lms: Terminal) -> None:
    ended = lms.type("ls", "--detailed")
    assert ended.code == 0
    assert "Warning: --detailed" in ended.err
