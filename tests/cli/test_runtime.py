import importlib.metadata

import pytest

from lms.cli.runtime import as_json
from lms.engine.protocol import Device, Survey
from tests.cli.conftest import Terminal
from tests.cli.fake_daemon import FakeDaemon

GIB = 1 << 30
DISCRETE = Device("NVIDIA H200", "CUDA", integrated=False, total_bytes=140 * GIB, free_bytes=100 * GIB)
INTEGRATED = Device("Apple M4", "MTL", integrated=True, total_bytes=24 * GIB, free_bytes=20 * GIB)


def surveyed(*devices: Device) -> Survey:
    return Survey("Some Processor", ("AVX", "AVX2"), devices, memory_bytes=32 * GIB, available_bytes=8 * GIB)


def test_engines_are_listed_with_the_daemon_off(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.on = False
    version = importlib.metadata.version("llama-cpp-python")
    ended = lms.type("runtime", "ls")
    assert (ended.code, ended.err, lms.started) == (0, "", 0)
    assert ended.out.splitlines()[1].split() == [f"llama.cpp@{version}", "✓", "GGUF"]
    row = {"name": "llama.cpp", "version": version, "selected": True, "formats": ["GGUF"]}
    assert lms.type("runtime", "ls", "--json").json == [row]


def test_a_survey_is_of_this_machine(lms: Terminal, daemon: FakeDaemon) -> None:
    daemon.on = False
    ended = lms.type("runtime", "survey")
    assert (ended.code, ended.err, lms.started) == (0, "", 0)
    assert "\nRAM: " in ended.out
    engine = lms.type("runtime", "survey", "--refresh", "--json").json["engines"][0]
    memory = engine["memoryInfo"]
    assert memory["ramCapacity"] >= memory["availableBytes"] > 0
    assert engine["hardwareSurvey"]["cpuSurveyResult"]["cpuInfo"]["supportedInstructionSetExtensions"]


def test_a_gpu_has_its_memory_and_what_reaches_it() -> None:
    engine = as_json("1.2.3", surveyed(DISCRETE, INTEGRATED))["engines"][0]
    first, second = engine["hardwareSurvey"]["gpuSurveyResult"]["gpuInfo"]
    assert (first["name"], first["deviceId"], first["detectionPlatform"]) == ("NVIDIA H200", 0, "CUDA")
    assert first["dedicatedMemoryCapacityBytes"] == 140 * GIB
    assert (second["integrationType"], second["detectionPlatform"]) == ("integrated", "Metal")
    assert second["dedicatedMemoryCapacityBytes"] == 0


def test_memory_that_a_gpu_shares_is_counted_once() -> None:
    memory = as_json("1.2.3", surveyed(DISCRETE, INTEGRATED))["engines"][0]["memoryInfo"]
    assert memory["vramCapacity"] == 140 * GIB
    assert memory["totalMemory"] == 172 * GIB


def test_no_gpu_is_said_in_a_word() -> None:
    survey = as_json("1.2.3", surveyed())["engines"][0]["hardwareSurvey"]["gpuSurveyResult"]
    assert (survey["result"]["code"], survey["gpuInfo"]) == ("noDevicesFound", [])


@pytest.mark.parametrize("word", ["get", "update", "select", "remove"])
def test_what_lm_studio_does_with_engines_is_left_to_pip(lms: Terminal, word: str) -> None:
    ended = lms.type("runtime", word, "llama.cpp", "--yes")
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
