"""GGUF files that the tests make of the bundled chat model: with its vocabulary, and other weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from tests.engine.processes import bundled

LAYERS = 6

Weights = np.ndarray[Any, Any]


def deepened(folder: Path, layers: int) -> Path:
    """The bundled chat model with so many more layers, which compute and add nothing: it says the same, slower.

    Its weights are quantized: with these, logits are the same in a pass over one token and in one over several. With
    weights of 16 and 32 bits they differ by up to 0.008, as ggml rounds otherwise.
    """
    source = gguf.GGUFReader(bundled("tiny-chat"))
    path = folder / "deep.gguf"
    writer = _copied_header(source, path, {"llama.block_count": LAYERS + layers})
    for tensor in source.tensors:
        _add_quantized(writer, tensor.name, tensor.data)
    for layer in range(LAYERS, LAYERS + layers):
        for tensor in source.tensors:
            if tensor.name.startswith("blk.0."):
                adds = tensor.name.endswith(("attn_output.weight", "ffn_down.weight"))
                name = tensor.name.replace("blk.0.", f"blk.{layer}.")
                _add_quantized(writer, name, np.zeros_like(tensor.data) if adds else tensor.data)
    return _written(writer, path)


def scrambled(folder: Path) -> Path:
    """The bundled chat model with weights that mean nothing. It is sure of what it says all the same."""
    random = np.random.default_rng(1)
    return _changed(folder / "scrambled.gguf", lambda name, data: _scrambled(random, name, data))


def respelt(folder: Path) -> Path:
    """The bundled chat model with one token of its vocabulary written otherwise."""
    source = gguf.GGUFReader(bundled("tiny-chat"))
    tokens = source.fields["tokenizer.ggml.tokens"].contents()
    tokens[-1] += "x"
    return _changed(folder / "respelt.gguf", lambda _, data: data, {"tokenizer.ggml.tokens": tokens})


def controlled(folder: Path) -> Path:
    """The bundled chat model with markers of calls that are control tokens, as many models have them."""
    source = gguf.GGUFReader(bundled("tiny-chat"))
    tokens = source.fields["tokenizer.ggml.tokens"].contents()
    kinds = source.fields["tokenizer.ggml.token_type"].contents()
    for marker in ("<tool_call>", "</tool_call>"):
        kinds[tokens.index(marker)] = int(gguf.TokenType.CONTROL)
    return _changed(folder / "controlled.gguf", lambda _, data: data, {"tokenizer.ggml.token_type": kinds})


def padded(folder: Path, tokens: int) -> Path:
    """The bundled chat model with so many more tokens at the end that stand for nothing."""
    source = gguf.GGUFReader(bundled("tiny-chat"))
    texts = source.fields["tokenizer.ggml.tokens"].contents()
    kinds = source.fields["tokenizer.ggml.token_type"].contents() + tokens * [int(gguf.TokenType.UNUSED)]
    size = len(texts) + tokens
    texts += [f"[PAD{number}]" for number in range(len(texts), size)]

    def widened(name: str, data: Weights) -> Weights:
        return np.pad(data, ((0, tokens), (0, 0))) if name == "token_embd.weight" else data

    fields = {"tokenizer.ggml.tokens": texts, "tokenizer.ggml.token_type": kinds, "llama.vocab_size": size}
    return _changed(folder / "padded.gguf", widened, fields)


def thinking(folder: Path) -> Path:
    """The bundled chat model with a template that lets it think first. What it thinks has no end of its own."""
    template = (
        "{% for message in messages %}{{ message.role + ': ' + message.content + '\n' }}{% endfor %}"
        "{{ '<think>\n' }}{# </think> #}"
    )
    return _changed(folder / "thinking.gguf", lambda _, data: data, {"tokenizer.chat_template": template})


def with_gaps(folder: Path, before: int, after: int, gap: int) -> Path:
    """The bundled chat model, of which these tokens say where a gap is to be filled in."""
    kinds = {"fim_pre": before, "fim_suf": after, "fim_mid": gap}
    added = {f"tokenizer.ggml.{kind}_token_id": token for kind, token in kinds.items()}
    return _changed(folder / "gaps.gguf", lambda _, data: data, added=added)


def _changed(
    path: Path,
    change: Callable[[str, Weights], Weights],
    fields: dict[str, Any] | None = None,
    added: dict[str, int] | None = None,
) -> Path:
    source = gguf.GGUFReader(bundled("tiny-chat"))
    writer = _copied_header(source, path, fields or {})
    for name, number in (added or {}).items():
        writer.add_uint32(name, number)
    for tensor in source.tensors:
        _add(writer, tensor.name, change(tensor.name, tensor.data), tensor.tensor_type)
    return _written(writer, path)


def _scrambled(random: np.random.Generator, name: str, data: Weights) -> Weights:
    if name == "output_norm.weight":
        return 20 * data
    return data if data.ndim == 1 else random.permuted(data, axis=None)


def _copied_header(source: gguf.GGUFReader, path: Path, changes: dict[str, Any]) -> gguf.GGUFWriter:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(path, "llama")
    for name, entry in source.fields.items():
        if not name.startswith("GGUF.") and name != "general.architecture":
            items = entry.types[1] if len(entry.types) > 1 else None
            writer.add_key_value(name, changes.get(name, entry.contents()), entry.types[0], items)
    return writer


def _add(writer: gguf.GGUFWriter, name: str, data: Weights, kind: gguf.GGMLQuantizationType) -> None:
    writer.add_tensor(name, np.ascontiguousarray(data), raw_dtype=kind)


def _add_quantized(writer: gguf.GGUFWriter, name: str, data: Weights) -> None:
    kind = gguf.GGMLQuantizationType.F32 if data.ndim == 1 else gguf.GGMLQuantizationType.Q8_0
    _add(writer, name, gguf.quants.quantize(data.astype(np.float32), kind), kind)


def _written(writer: gguf.GGUFWriter, path: Path) -> Path:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
