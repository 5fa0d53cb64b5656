"""Tiny rerankers: the bundled embedding model with a classifier of random weights on top."""

from pathlib import Path
from typing import Any

import gguf
import numpy as np

from tests.engine.processes import bundled


def reranker(path: Path, template: str | None = None) -> Path:
    """A reranker. `template` says how a query and a document make one text."""
    source = gguf.GGUFReader(bundled("text-embedding-tiny"))
    writer = gguf.GGUFWriter(path, "bert")
    for name, field in source.fields.items():
        if not name.startswith("GGUF.") and name not in ("general.architecture", "bert.pooling_type"):
            items = field.types[1] if len(field.types) > 1 else None
            writer.add_key_value(name, field.contents(), field.types[0], items)
    writer.add_pooling_type(gguf.PoolingType.RANK)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(True)
    writer.add_add_sep_token(False)
    if template is not None:
        writer.add_string("tokenizer.chat_template.rerank", template)
    for tensor in source.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    for name, weights in _classifier(int(source.fields["bert.embedding_length"].contents())):
        writer.add_tensor(name, weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _classifier(width: int) -> list[tuple[str, "np.ndarray[Any, Any]"]]:
    random = np.random.default_rng(7)
    return [
        ("cls.weight", random.normal(0, width**-0.5, (width, width)).astype(np.float32)),
        ("cls.bias", random.normal(0, 0.1, width).astype(np.float32)),
        ("cls.output.weight", random.normal(0, 1, (1, width)).astype(np.float32)),
        ("cls.output.bias", random.normal(0, 0.1, 1).astype(np.float32)),
    ]
