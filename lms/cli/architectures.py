"""Architectures as people write them. One that is not listed is shown as its file names it."""

_NAMES = {
    "bert": "BERT",
    "clip": "CLIP",
    "cohere2": "Cohere 2",
    "command-r": "Command R",
    "deepseek": "DeepSeek",
    "deepseek2": "DeepSeek 2",
    "falcon": "Falcon",
    "gemma": "Gemma",
    "gemma2": "Gemma 2",
    "gemma3": "Gemma 3",
    "glm4": "GLM 4",
    "gpt-oss": "GPT-OSS",
    "gpt_oss": "GPT-OSS",
    "gpt2": "GPT-2",
    "granite": "Granite",
    "llama": "Llama",
    "llama4": "Llama 4",
    "mamba": "Mamba",
    "mistral": "Mistral",
    "mistral3": "Mistral 3",
    "mixtral": "Mixtral",
    "nomic-bert": "Nomic BERT",
    "olmo2": "OLMo 2",
    "phi2": "Phi-2",
    "phi3": "Phi-3",
    "qwen2": "Qwen2",
    "qwen2moe": "Qwen2 MoE",
    "qwen2vl": "Qwen2-VL",
    "qwen3": "Qwen3",
    "qwen3moe": "Qwen3 MoE",
    "stablelm": "StableLM",
    "starcoder2": "StarCoder 2",
}


def display_name(architecture: str) -> str:
    """`qwen2` → `Qwen2`, `nomic-bert` → `Nomic BERT`."""
    return _NAMES.get(architecture, architecture)
