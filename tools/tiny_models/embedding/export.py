"""Writes text-embedding-tiny as a GGUF file of the bert architecture."""

from pathlib import Path

import gguf
from tokenizers import Tokenizer
from torch import nn

from tools.tiny_models import gguf_files
from tools.tiny_models.embedding import tokenizer as wordpiece
from tools.tiny_models.embedding.model import Block, Encoder, Shape

DESCRIPTION = "A very small embedding model for trying and testing lms"


def write_gguf(encoder: Encoder, tokenizer: Tokenizer, path: Path) -> None:
    """Store network and vocabulary in one file."""
    writer = gguf_files.new_file(path, "bert", "text-embedding-tiny", DESCRIPTION)
    add_shape(writer, encoder.shape)
    add_vocabulary(writer, tokenizer)
    gguf_files.add_tensor(writer, "token_embd.weight", encoder.tokens.weight)
    gguf_files.add_tensor(writer, "position_embd.weight", encoder.positions.weight, exact=True)
    gguf_files.add_tensor(writer, "token_types.weight", encoder.types.weight, exact=True)
    add_layer(writer, "token_embd_norm", encoder.norm)
    for index, block in enumerate(encoder.layers()):
        add_block(writer, f"blk.{index}", block)
    gguf_files.write(writer)


def add_shape(writer: gguf.GGUFWriter, shape: Shape) -> None:
    """The `bert.*` keys."""
    writer.add_vocab_size(shape.vocabulary)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_layer_norm_eps(shape.epsilon)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)


def add_vocabulary(writer: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    """The `tokenizer.ggml.*` keys."""
    tokens = [token for token, _ in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])]
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([wordpiece.token_in_gguf(token) for token in tokens])
    writer.add_token_types([wordpiece.token_type(token) for token in tokens])
    writer.add_token_type_count(2)
    writer.add_bos_token_id(gguf_files.token_id(tokenizer, wordpiece.START))
    writer.add_uint32("tokenizer.ggml.cls_token_id", gguf_files.token_id(tokenizer, wordpiece.START))
    writer.add_eos_token_id(gguf_files.token_id(tokenizer, wordpiece.SEPARATOR))
    writer.add_sep_token_id(gguf_files.token_id(tokenizer, wordpiece.SEPARATOR))
    writer.add_unk_token_id(gguf_files.token_id(tokenizer, wordpiece.UNKNOWN))
    writer.add_pad_token_id(gguf_files.token_id(tokenizer, wordpiece.PADDING))
    writer.add_mask_token_id(gguf_files.token_id(tokenizer, wordpiece.MASK))


def add_layer(writer: gguf.GGUFWriter, name: str, layer: nn.Linear | nn.LayerNorm) -> None:
    """Weight and bias of one part."""
    gguf_files.add_tensor(writer, f"{name}.weight", layer.weight)
    gguf_files.add_tensor(writer, f"{name}.bias", layer.bias)


def add_block(writer: gguf.GGUFWriter, prefix: str, block: Block) -> None:
    """The tensors of one layer."""
    parts: dict[str, nn.Linear | nn.LayerNorm] = {
        "attn_q": block.query,
        "attn_k": block.key,
        "attn_v": block.value,
        "attn_output": block.output,
        "attn_output_norm": block.attention_norm,
        "ffn_up": block.up,
        "ffn_down": block.down,
        "layer_output_norm": block.output_norm,
    }
    for name, part in parts.items():
        add_layer(writer, f"{prefix}.{name}", part)
