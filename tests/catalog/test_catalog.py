import os
from pathlib import Path

import msgspec
import pytest

from lms.catalog.catalog import Catalog, scan
from lms.catalog.model import Format, Kind, Model
from lms.errors import ModelDamaged, ModelNotFound

from .files import LLAMA, write_gguf, write_mlx, write_shard


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


def keys(catalog: Catalog) -> list[str]:
    return [model.key for model in catalog.listing(max_age_s=0).models]


def only(models: Path) -> Model:
    (model,) = scan(models)
    return model


def test_a_gguf_file_is_listed_with_what_its_header_tells(models: Path) -> None:
    path = write_gguf(models / "qwen" / "Qwen3-0.6B-GGUF" / "Qwen3-0.6B-Q4_K_M.gguf", chat_template="{{ tools }}")
    model = only(models)
    assert (model.key, model.publisher, model.display_name) == ("qwen3-0.6b", "qwen", "Qwen3 0.6B")
    assert (model.kind, model.format, model.arch, model.max_context_length) == (Kind.LLM, Format.GGUF, "llama", 4096)
    assert model.quantization is not None
    assert (model.quantization.name, model.quantization.bits) == ("Q4_K_M", 4)
    assert (model.path, model.relative_path) == (path, "qwen/Qwen3-0.6B-GGUF/Qwen3-0.6B-Q4_K_M.gguf")
    assert (model.size_bytes, model.files) == (path.stat().st_size, (path,))
    assert (model.params, model.params_label) == (2048, "2K")
    assert (model.tool_use, model.has_chat_template, model.vision, model.damaged) == (True, True, False, None)
    assert model.modified_s == pytest.approx(path.stat().st_mtime)


def test_an_mlx_folder_is_listed_under_its_name_without_the_bits(models: Path) -> None:
    folder = write_mlx(models / "mlx-community" / "Qwen2-VL-7B-Instruct-4bit")
    model = only(models)
    assert (model.key, model.format, model.variant_key) == (
        "qwen2-vl-7b-instruct",
        Format.MLX,
        "qwen2-vl-7b-instruct@4bit",
    )
    assert (model.path, model.relative_path) == (folder, "mlx-community/Qwen2-VL-7B-Instruct-4bit")


def test_formats_of_one_model_are_variants(models: Path) -> None:
    write_mlx(models / "community" / "Qwen3-4B-MLX-4bit")
    write_gguf(models / "community" / "Qwen3-4B-GGUF" / "Qwen3-4B-Q4_K_M.gguf")
    model = only(models)
    assert (model.variants, model.selected_variant) == (("qwen3-4b@q4_k_m", "qwen3-4b@4bit"), "qwen3-4b@q4_k_m")


def test_shards_are_one_model(models: Path) -> None:
    folder = models / "pub" / "Big-GGUF"
    first = write_gguf(folder / "Big-Q8_0-00001-of-00002.gguf", file_type=7, tensors={"a": (32, 64)})
    second = write_shard(folder / "Big-Q8_0-00002-of-00002.gguf", 1, 2, {"b": (32, 64)})
    model = only(models)
    assert (model.key, model.path, model.files) == ("big", first, (first, second))
    assert model.params == 2 * 32 * 64
    assert model.size_bytes == first.stat().st_size + second.stat().st_size


def test_a_missing_shard_is_damage_with_a_reason(models: Path) -> None:
    write_gguf(models / "pub" / "Big-GGUF" / "Big-Q8_0-00001-of-00002.gguf", "bert")
    model = only(models)
    assert model.damaged == "1 of its 2 files are missing, the first is Big-Q8_0-00002-of-00002.gguf."
    assert model.kind is Kind.EMBEDDING
    with pytest.raises(ModelDamaged, match="cannot be loaded"):
        model.require_sound()


def test_a_damaged_file_is_listed_beside_the_sound_ones(models: Path) -> None:
    write_gguf(models / "pub" / "good" / "good.gguf")
    (models / "pub" / "bad").mkdir()
    (models / "pub" / "bad" / "bad-Q4_0.gguf").write_bytes(b"GGUF????")
    (models / "pub" / "empty").mkdir()
    (models / "pub" / "empty" / "empty.gguf").touch()
    (models / "pub" / "gone").mkdir()
    (models / "pub" / "gone" / "gone.gguf").symlink_to(models / "nowhere")
    assert {model.key: model.damaged is None for model in scan(models)} == {
        "good": True,
        "bad": False,
        "empty": False,
        "gone": False,
    }


def test_a_whole_quantization_is_meant_before_a_damaged_one(models: Path) -> None:
    folder = models / "pub" / "foo"
    write_gguf(folder / "foo-Q8_0.gguf", file_type=7)
    (folder / "foo-Q4_K_M.gguf").write_bytes(b"GGUF????")
    assert only(models).selected_variant == "foo@q8_0"


def test_a_projector_makes_the_models_of_its_repo_see(models: Path) -> None:
    folder = models / "pub" / "gemma-GGUF"
    gemma = write_gguf(folder / "gemma-Q4_K_M.gguf")
    write_gguf(folder / "mmproj-gemma-f32.gguf", "clip")
    projector = write_gguf(folder / "mmproj-gemma-f16.gguf", "clip")
    model = only(models)
    assert (model.kind, model.vision, model.projector) == (Kind.VLM, True, projector)
    assert model.files == (gemma, projector)
    assert model.size_bytes == gemma.stat().st_size + projector.stat().st_size


def test_a_damaged_projector_leaves_its_models_without_sight(models: Path) -> None:
    write_gguf(models / "pub" / "gemma" / "gemma.gguf")
    (models / "pub" / "gemma" / "mmproj.gguf").write_bytes(b"GGUF????")
    assert only(models).kind is Kind.LLM


def test_a_projector_that_only_hears_leaves_its_models_without_sight(models: Path) -> None:
    write_gguf(models / "pub" / "ultravox" / "ultravox.gguf")
    write_gguf(models / "pub" / "ultravox" / "mmproj.gguf", "clip", dimensions={"has_audio_encoder": 1})
    assert (only(models).kind, only(models).projector) == (Kind.LLM, None)


def test_adapters_are_not_listed(models: Path) -> None:
    write_gguf(models / "pub" / "lora" / "lora.gguf", texts={"general.type": "adapter"})
    assert scan(models) == ()


def test_embedding_models_have_their_prefix(models: Path) -> None:
    write_gguf(models / "nomic-ai" / "nomic-embed-text-v1.5-GGUF" / "nomic-embed-text-v1.5.Q4_0.gguf", "nomic-bert")
    assert only(models).key == "text-embedding-nomic-embed-text-v1.5"


def test_bundled_models_are_always_listed(models: Path, tmp_path: Path) -> None:
    bundled = tmp_path / "bundled"
    write_gguf(bundled / "lms" / "tiny-chat" / "tiny-chat.gguf")
    write_gguf(bundled / "lms" / "text-embedding-tiny" / "text-embedding-tiny.gguf", "bert")
    write_gguf(models / "other" / "tiny-chat" / "tiny-chat.gguf")
    found = {model.key: model.bundled for model in scan(models, bundled)}
    assert found == {"tiny-chat": True, "text-embedding-tiny": True, "other/tiny-chat": False}
    assert len(scan(tmp_path / "none", bundled)) == 2


def test_a_bundled_models_key_keeps_its_meaning_beside_a_users_variant(models: Path, tmp_path: Path) -> None:
    bundled = write_gguf(tmp_path / "bundled" / "lms" / "tiny-chat" / "tiny-chat.gguf", file_type=1)
    write_gguf(models / "lms" / "tiny-chat" / "tiny-chat-Q4_K_M.gguf")
    catalog = Catalog(models, tmp_path / "bundled")
    assert catalog.resolve("tiny-chat").path == bundled
    assert catalog.resolve("tiny-chat@q4_k_m").path != bundled


def test_what_a_key_means_survives_arrivals_and_restarts(models: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache.json"
    first = write_gguf(models / "zed" / "foo-GGUF" / "foo-Q8_0.gguf", file_type=7)
    assert keys(Catalog(models, None, cache)) == ["foo"]
    write_gguf(models / "abc" / "foo-GGUF" / "foo-Q8_0.gguf", file_type=7)
    write_gguf(models / "zed" / "foo-GGUF" / "foo-Q4_K_M.gguf")
    catalog = Catalog(models, None, cache)
    assert keys(catalog) == ["abc/foo", "foo"]
    assert catalog.resolve("foo").path == first


def test_a_second_scan_opens_only_files_that_changed(models: Path, tmp_path: Path) -> None:
    kept = write_gguf(models / "pub" / "kept" / "kept.gguf")
    changed = write_gguf(models / "pub" / "changed" / "changed.gguf")
    Catalog(models, None, tmp_path / "cache.json").models()
    times = kept.stat()
    kept.write_bytes(bytes(times.st_size))
    os.utime(kept, ns=(times.st_atime_ns, times.st_mtime_ns))
    write_gguf(changed, dimensions=LLAMA | {"context_length": 99})
    found = {model.key: model for model in Catalog(models, None, tmp_path / "cache.json").models()}
    assert found["kept"].damaged is None
    assert found["changed"].max_context_length == 99


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version":1,"names":{},"headers":{"a":5}}', b"\xff"])
def test_a_broken_cache_counts_as_empty(models: Path, tmp_path: Path, content: bytes) -> None:
    write_gguf(models / "pub" / "foo" / "foo.gguf")
    (tmp_path / "cache.json").write_bytes(content)
    assert keys(Catalog(models, None, tmp_path / "cache.json")) == ["foo"]


def test_names_outlive_a_change_of_what_headers_tell(models: Path, tmp_path: Path) -> None:
    write_gguf(models / "zed" / "foo" / "foo.gguf")
    cache = tmp_path / "cache.json"
    Catalog(models, None, cache).models()
    cache.write_bytes(msgspec.json.encode(msgspec.json.decode(cache.read_bytes()) | {"version": 0, "headers": 5}))
    write_gguf(models / "abc" / "foo" / "foo.gguf")
    assert keys(Catalog(models, None, cache)) == ["abc/foo", "foo"]


def test_a_cache_that_cannot_be_written_is_no_reason_to_fail(models: Path, tmp_path: Path) -> None:
    write_gguf(models / "pub" / "foo" / "foo.gguf")
    (tmp_path / "file").touch()
    assert keys(Catalog(models, None, tmp_path / "file" / "cache.json")) == ["foo"]


def test_a_model_that_just_arrived_is_found_without_waiting(models: Path) -> None:
    catalog = Catalog(models, None)
    assert catalog.models() == ()
    write_gguf(models / "pub" / "foo" / "foo.gguf")
    assert catalog.resolve("foo").key == "foo"


def test_what_another_process_does_is_seen_at_once(models: Path, tmp_path: Path) -> None:
    path = write_gguf(models / "pub" / "foo" / "foo.gguf")
    ours, theirs = (Catalog(models, None, tmp_path / "cache.json") for _ in range(2))
    assert [model.key for model in ours.listing(max_age_s=1000).models] == ["foo"]
    path.unlink()
    theirs.models()
    assert ours.listing(max_age_s=1000).models == ()
    assert ours.listing(max_age_s=1000) is ours.listing(max_age_s=1000)


def test_a_model_that_is_gone_is_forgotten(models: Path) -> None:
    path = write_gguf(models / "pub" / "foo" / "foo.gguf")
    catalog = Catalog(models, None)
    catalog.models()
    path.unlink()
    assert keys(catalog) == []
    with pytest.raises(ModelNotFound):
        catalog.resolve("foo")


def test_a_scan_that_finds_nothing_new_gives_the_same_listing(models: Path) -> None:
    write_gguf(models / "pub" / "foo" / "foo.gguf")
    catalog = Catalog(models, None)
    first = catalog.listing(max_age_s=0)
    assert catalog.listing(max_age_s=0) is first
    write_gguf(models / "pub" / "bar" / "bar.gguf")
    assert len(catalog.listing(max_age_s=0).models) == 2


def test_shards_in_folders_of_their_own_are_variants_of_one_model(models: Path) -> None:
    folder = models / "unsloth" / "Big-GGUF"
    for name, file_type in (("Q4_K_M", 15), ("Q8_0", 7)):
        write_gguf(folder / name / f"Big-{name}.gguf", file_type=file_type)
    assert only(models).variants == ("big@q4_k_m", "big@q8_0")
    assert Catalog(models, None).resolve("unsloth/big-gguf/q8_0/big-q8_0.gguf").key == "big@q8_0"
