"""What a load may change of a model: adapters on its weights, and its chat template; and what it may not ask for."""

from pathlib import Path

import gguf
import llama_cpp.llama_cpp as C
import numpy as np
import pytest

from lms.config.load import LoadConfig, Lora
from lms.config.passes import pass_sizes
from lms.engine.llama_params import ALL_LAYERS, generating_params, model_params
from lms.engine.protocol import EngineSpec, LoadFailed
from tests.engine.processes import bundled, started
from tests.engine.rig import chat, written
from tests.engine.test_llama import GREEDY, finished, spec

REQUEST = chat("Say this is a test!", sampling=GREEDY, max_tokens=16)


def adapter(path: Path) -> Path:
    """A LoRA for the bundled chat model that turns what its last layer adds into something else."""
    source = gguf.GGUFReader(bundled("tiny-chat"))
    weights = {tensor.name: tensor for tensor in source.tensors}
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 4.0)
    random = np.random.default_rng(1)
    for layer in range(6):
        name = f"blk.{layer}.ffn_down.weight"
        read, made = (int(size) for size in weights[name].shape)
        writer.add_tensor(f"{name}.lora_a", random.normal(0, 1, (4, read)).astype(np.float32))
        writer.add_tensor(f"{name}.lora_b", random.normal(0, 1, (made, 4)).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def answer(folder: Path, config: LoadConfig) -> str:
    with started(spec(folder, "tiny-chat", config)) as engine:
        engine.wait_ready()
        return written(engine.ask(REQUEST))


def failure(folder: Path, config: LoadConfig) -> str:
    with started(spec(folder, "tiny-chat", config)) as engine:
        failed = next(report for report in engine.reports if isinstance(report, LoadFailed))
    return str(failed.error["message"])


def test_an_adapter_changes_what_the_model_says_as_strongly_as_asked_for(tmp_path: Path) -> None:
    lora = str(adapter(tmp_path / "lora.gguf"))
    assert answer(tmp_path, LoadConfig(lora=(Lora(lora, 0.0),))) == "This is a test!"
    assert answer(tmp_path, LoadConfig(lora=(Lora(lora),))) != "This is a test!"


def test_of_two_adapters_both_count(tmp_path: Path) -> None:
    lora = str(adapter(tmp_path / "lora.gguf"))
    assert answer(tmp_path, LoadConfig(lora=(Lora(lora, 1.0), Lora(lora, -1.0)))) == "This is a test!"


def test_what_is_no_adapter_is_refused_by_name(tmp_path: Path) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(b"GGUF but no more")
    assert f"{other} is no LoRA adapter of this model." in failure(tmp_path, LoadConfig(lora=(Lora(str(other)),)))


def test_a_chat_template_takes_the_place_of_the_models_own(tmp_path: Path) -> None:
    long = LoadConfig(chat_template="{{ bos_token }}{% for m in messages %}{{ m.content * 20 }}{% endfor %}")
    with started(spec(tmp_path, "tiny-chat", long)) as engine:
        engine.wait_ready()
        prompt = finished(engine.ask(REQUEST)).usage.prompt
    with started(spec(tmp_path, "tiny-chat")) as engine:
        engine.wait_ready()
        assert prompt > 3 * finished(engine.ask(REQUEST)).usage.prompt


def test_a_chat_template_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    assert "template" in failure(tmp_path, LoadConfig(chat_template="{% for %}"))


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (LoadConfig(main_gpu=15), "main_gpu is 15, counted from 0, and llama.cpp finds"),
        (LoadConfig(tensor_split=(1.0,) * 16), "tensor_split names 16 GPUs, and llama.cpp finds"),
    ],
)
def test_more_gpus_than_there_are_are_refused(tmp_path: Path, config: LoadConfig, said: str) -> None:
    assert said in failure(tmp_path, config)


def test_shares_reach_llama_cpp() -> None:
    asked = EngineSpec("llama", "", "", "", "", LoadConfig(tensor_split=(3.0, 1.0)))
    params = model_params(asked, special_buffers=False)
    assert [params.tensor_split[number] for number in range(2)] == [3.0, 1.0]


def test_a_main_gpu_has_all_of_the_model() -> None:
    params = model_params(EngineSpec("llama", "", "", "", "", LoadConfig(main_gpu=1)), special_buffers=False)
    assert (params.main_gpu, params.split_mode) == (1, C.LLAMA_SPLIT_MODE_NONE)


@pytest.mark.parametrize(("ratio", "layers"), [(0.0, 0), (0.5, 12), (1.0, ALL_LAYERS), (None, ALL_LAYERS)])
def test_as_much_of_the_model_as_asked_for_goes_to_the_gpu(ratio: float | None, layers: int) -> None:
    asked = EngineSpec("llama", "", "", "", "", LoadConfig(gpu_ratio=ratio), layers=24)
    assert model_params(asked, special_buffers=False).n_gpu_layers == layers


@pytest.mark.parametrize("offloaded", [True, False])
def test_keys_and_values_stay_off_the_gpu_if_that_is_asked_for(offloaded: bool) -> None:
    config = LoadConfig(offload_kv_cache=offloaded)
    sizes = pass_sizes(config, 512, embedding=False)
    params = generating_params(config, sizes, context_length=512, cells=0, parallel=1, keeps_finished=False)
    assert params.offload_kqv is offloaded
