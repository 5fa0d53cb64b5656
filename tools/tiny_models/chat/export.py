"""Writes tiny-chat as a GGUF file of the llama architecture.

Key and tensor names: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from pathlib import Path

import gguf
from tokenizers import Tokenizer
from torch import Tensor

from tools.tiny_models import gguf_files
from tools.tiny_models.chat import template
from tools.tiny_models.chat.model import Block, Decoder, Shape
from tools.tiny_models.chat.tokenizer import PRE_TOKENIZER, entries

DESCRIPTION = "A very small chat model for trying and testing lms"
RECOMMENDED_TEMPERATURE = 0.3


def write_gguf(decoder: Decoder, tokenizer: Tokenizer, path: Path) -> None:
    """Store network, vocabulary and chat template in one file."""
    writer = gguf_files.new_file(path, "llama", "tiny-chat", DESCRIPTION)
    add_shape(writer, decoder.shape)
    add_recommended_sampling(writer)
    add_vocabulary(writer, tokenizer)
    writer.add_chat_template(template.SOURCE)
    gguf_files.add_tensor(writer, "token_embd.weight", decoder.embedding.weight)
    gguf_files.add_tensor(writer, "output_norm.weight", decoder.norm.weight)
    for index, block in enumerate(decoder.layers()):
        add_block(writer, index, block, decoder.shape)
    gguf_files.write(writer)


def add_shape(writer: gguf.GGUFWriter, shape: Shape) -> None:
    """The `llama.*` keys."""
    writer.add_vocab_size(shape.vocabulary)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    writer.add_rope_dimension_count(shape.head_width)
    writer.add_rope_freq_base(shape.rope_base)


def add_recommended_sampling(writer: gguf.GGUFWriter) -> None:
    """What the model answers best with: servers take these values where a request has none of its own.

    A model this small guesses when it is made to choose freely, and has to repeat itself when it copies or counts.
    """
    writer.add_float32("general.sampling.temp", RECOMMENDED_TEMPERATURE)
    writer.add_float32("general.sampling.penalty_repeat", 1.0)


def add_vocabulary(writer: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    """The `tokenizer.ggml.*` keys."""
    vocabulary = entries(tokenizer)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(PRE_TOKENIZER)
    writer.add_token_list(vocabulary.tokens)
    writer.add_token_types(vocabulary.types)
    writer.add_token_merges(vocabulary.merges)
    writer.add_eos_token_id(gguf_files.token_id(tokenizer, template.END_OF_TURN))
    writer.add_eot_token_id(gguf_files.token_id(tokenizer, template.END_OF_TURN))
    writer.add_bos_token_id(gguf_files.token_id(tokenizer, template.END_OF_TEXT))
    writer.add_pad_token_id(gguf_files.token_id(tokenizer, template.END_OF_TEXT))
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)


def add_block(writer: gguf.GGUFWriter, index: int, block: Block, shape: Shape) -> None:
    """The tensors of one layer."""
    attention, feed_forward = block.attention, block.feed_forward
    weights = {
        "attn_norm": block.attention_norm.weight,
        "attn_q": interleaved(attention.query.weight, shape),
        "attn_k": interleaved(attention.key.weight, shape),
        "attn_v": attention.value.weight,
        "attn_output": attention.output.weight,
        "ffn_norm": block.feed_forward_norm.weight,
        "ffn_gate": feed_forward.gate.weight,
        "ffn_up": feed_forward.up.weight,
        "ffn_down": feed_forward.down.weight,
    }
    for name, weight in weights.items():
        gguf_files.add_tensor(writer, f"blk.{index}.{name}.weight", weight)


def interleaved(weight: Tensor, shape: Shape) -> Tensor:
    """Rows of a query or key matrix in the order of llama.cpp, which turns components 2i and 2i + 1 together."""
    halves = weight.view(shape.heads, 2, shape.head_width // 2, shape.width)
    return halves.transpose(1, 2).reshape(weight.shape)
