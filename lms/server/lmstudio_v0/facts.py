"""What every v0 reply adds: how fast it went, which model answered, on which runtime."""

from typing import Any

from lms.client.control import Lease
from lms.generation.events import Finished
from lms.server.answers import stats_body


def facts(finished: Finished, lease: Lease) -> dict[str, Any]:
    """`stats`, `model_info` and `runtime`. Times are in seconds; `context_length` is the loaded one."""
    return {
        "stats": {
            "tokens_per_second": finished.stats.tokens_per_second,
            "time_to_first_token": finished.stats.time_to_first_token_s,
            "generation_time": finished.stats.generation_time_s,
            "stop_reason": finished.reason,
        }
        | stats_body(finished.stats),
        "model_info": {
            "arch": lease.model.arch,
            "quant": lease.model.quantization,
            "format": lease.model.format,
            "context_length": lease.context_length,
        },
        "runtime": {
            "name": lease.runtime.name,
            "version": lease.runtime.version,
            "supported_formats": list(lease.runtime.supported_formats),
        },
    }
