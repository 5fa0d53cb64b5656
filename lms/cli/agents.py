"""How coding agents are told to use this server: command line and environment of each. Pure.

Claude Code: https://code.claude.com/docs/en/llm-gateway
Codex: https://developers.openai.com/codex/config-advanced (a provider of one's own)
aider: https://aider.chat/docs/llms/lm-studio.html
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

# What servers that ask for no token are sent as one: the tools refuse to start without any.
NO_TOKEN = "lms"


@dataclass(frozen=True)
class Service:
    """Where the server is, without a slash at its end; the model's identifier there; the API token."""

    url: str
    model: str
    token: str


@dataclass(frozen=True)
class Launch:
    """A command and what it needs in its environment."""

    command: tuple[str, ...]
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Agent:
    """least_context: tokens below which its own prompts leave no room for work"""

    launch: Callable[[Service], Launch]
    install: str
    least_context: int


def _claude(service: Service) -> Launch:
    """The model stands for all sizes that Claude Code knows.

    Its attribution header changes with each request, at the very beginning of the prompt, so that nothing of it could
    be reused; it is only switched off by settings (https://github.com/ggml-org/llama.cpp/pull/20623).
    """
    names = ("ANTHROPIC_MODEL", "ANTHROPIC_DEFAULT_OPUS_MODEL", "ANTHROPIC_DEFAULT_SONNET_MODEL",
             "ANTHROPIC_DEFAULT_HAIKU_MODEL")  # fmt: skip
    quiet = {"CLAUDE_CODE_ATTRIBUTION_HEADER": "0", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}
    environment = {
        "ANTHROPIC_BASE_URL": service.url,
        "ANTHROPIC_AUTH_TOKEN": service.token,
        **dict.fromkeys(names, service.model),
        **quiet,
    }
    return Launch(("claude", "--settings", json.dumps({"env": quiet}, separators=(",", ":"))), environment)


def _codex(service: Service) -> Launch:
    """A value behind `-c` is read as TOML, in which a JSON string is a string too. The search in the web is a tool of
    OpenAI's servers, which Codex asks for unless it is told not to (https://developers.openai.com/codex/config-sample).
    """
    settings = {
        "model": service.model,
        "model_provider": "lms",
        "model_providers.lms.name": "lms",
        "model_providers.lms.base_url": f"{service.url}/v1",
        "model_providers.lms.env_key": "LMS_API_TOKEN",
        "model_providers.lms.wire_api": "responses",
        "web_search": "disabled",
    }
    words = [word for name, value in settings.items() for word in ("-c", f"{name}={json.dumps(value)}")]
    return Launch(("codex", *words), {"LMS_API_TOKEN": service.token})


def _aider(service: Service) -> Launch:
    environment = {"LM_STUDIO_API_BASE": f"{service.url}/v1", "LM_STUDIO_API_KEY": service.token}
    return Launch(("aider", "--model", f"lm_studio/{service.model}"), environment)


AGENTS: Mapping[str, Agent] = {
    "claude": Agent(_claude, "npm install -g @anthropic-ai/claude-code", 32768),
    "codex": Agent(_codex, "npm install -g @openai/codex", 32768),
    "aider": Agent(_aider, "python -m pip install aider-install && aider-install", 8192),
}
