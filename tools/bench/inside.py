"""The engine's own loop in a process of its own, without sockets: what HTTP is measured against.

`python -m tools.bench.inside MODEL_FILE STREAMS MAX_TOKENS` prints tokens per second.
"""

import statistics
import sys
import time

from lms.config.load import LoadConfig
from lms.engine.llama import LlamaModel
from lms.engine.protocol import EngineSpec
from lms.engine.worker import Worker
from lms.generation.events import Finished
from lms.generation.messages import Message
from lms.generation.request import ChatPrompt, GenerateRequest, Sampling


def main(model_file: str, streams: int, max_tokens: int, prompt: str) -> None:
    """Answer `streams` requests together and print the tokens per second."""
    config = LoadConfig(parallel=max(4, streams), unified_kv=False)  # as the daemon decides for so small a model
    spec = EngineSpec("llama", model_file, "bench", "bench", "", config)
    worker = Worker(spec, LlamaModel(spec, lambda progress: None), lambda data: None)
    worker.warm_up()
    sampling = Sampling(temperature=0.0, repeat_penalty=1.0)
    request = GenerateRequest(ChatPrompt((Message("user", prompt),)), sampling, max_tokens)
    rates = [_answer_all(worker, streams, request) for _ in range(3)]
    print(statistics.median(rates[1:]))


def _answer_all(worker: Worker, streams: int, request: GenerateRequest) -> float:
    started_s = time.perf_counter()
    for uid in range(streams):
        worker.submit(uid, request)
    tokens = 0
    while worker.is_busy:
        for _, events in worker.step():
            tokens += sum(event.usage.completion for event in events if isinstance(event, Finished))
    return tokens / (time.perf_counter() - started_s)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
