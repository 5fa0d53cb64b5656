"""`lms runtime ls | survey`: what runs the models, and what it finds in this machine. Works without the daemon."""

import platform
import subprocess
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lms.cli import units
from lms.cli.command import command, group
from lms.cli.hosted import RUNTIME_INSTEAD, register_all
from lms.cli.output import Cell, Styled, Table
from lms.cli.session import Session
from lms.errors import EngineFailed

if TYPE_CHECKING:
    from lms.engine.protocol import Device, Survey

ENGINE = "llama.cpp"
PACKAGE = "llama-cpp-python"
INSTALL = f"pip install --force-reinstall {PACKAGE}"
SURVEY_TIMEOUT_S = 60.0

# As LM Studio writes what ggml calls its libraries.
PLATFORMS = {"MTL": "Metal", "OpenCL": "OpenCl", "HIP": "ROCm"}

app = group(
    "runtime",
    "The engines that run models, and the hardware that they see. They come and go with pip.",
    examples=[("lms runtime ls", "engines and their versions"), ("lms runtime survey", "GPUs, processor, memory")],
)

Refresh = Annotated[bool, typer.Option("--refresh", help="Look anew, which is always done.")]


def register(root: typer.Typer, section: str) -> None:
    register_all(app, RUNTIME_INSTEAD)
    root.add_typer(app, rich_help_panel=section)


@command(app, "ls", examples=[("lms runtime ls --json", '[{"name":"llama.cpp","version":"0.3.36",…}]')])
def ls(session: Session) -> None:
    """List the engines."""
    version = _version()
    if session.output.as_json:
        session.output.json([{"name": ENGINE, "version": version, "selected": True, "formats": ["GGUF"]}])
    else:
        row = (f"{ENGINE}@{version}", "✓", "GGUF")
        session.output.table(Table(("LLM ENGINE", "SELECTED", "MODEL FORMAT"), (row,)))


@command(app, "survey", examples=[("lms runtime survey --json", "the same for programs, as LM Studio writes it")])
def survey(session: Session, refresh: Refresh = False) -> None:
    """Show GPUs, processor and memory as the engine sees them."""
    version, found = _version(), _survey()
    if session.output.as_json:
        session.output.json(as_json(version, found))
        return
    say = session.output.data
    say(f"Survey by {ENGINE} ({version})")
    say("")
    if found.devices:
        session.output.table(Table(("GPU/ACCELERATORS", "VRAM", "FREE"), tuple(map(_cells, found.devices))))
    else:
        say("No GPUs: models run on the processor.")
        say(Styled(f"If there is one, {PACKAGE} was built without it.", "dim"))
    say("")
    say(f"CPU: {found.processor or platform.processor() or 'unknown'}, {_architecture()} ({', '.join(found.features)})")
    say(f"RAM: {units.memory(found.memory_bytes)}, {units.memory(found.available_bytes)} of it available")


def as_json(version: str, found: "Survey") -> dict[str, Any]:
    """As `lms runtime survey --json` of LM Studio prints it, with `availableBytes` and the free bytes of each GPU."""
    success = {"code": "success", "message": ""}
    vram_bytes = sum(each.total_bytes for each in found.devices if not each.integrated)
    gpus = success if found.devices else {"code": "noDevicesFound", "message": f"{PACKAGE} found no GPU."}
    cpu = {
        "name": found.processor,
        "architecture": _architecture(),
        "supportedInstructionSetExtensions": list(found.features),
    }
    engine = {
        "name": ENGINE,
        "version": version,
        "engine": ENGINE,
        "platform": sys.platform,
        "compatibility": {"status": "compatible"},
        "supportedModelFormatNames": ["GGUF"],
        "hardwareSurvey": {
            "gpuSurveyResult": {"result": gpus, "gpuInfo": [_gpu(*each) for each in enumerate(found.devices)]},
            "cpuSurveyResult": {"result": success, "cpuInfo": cpu},
        },
        "memoryInfo": {
            "ramCapacity": found.memory_bytes,
            "vramCapacity": vram_bytes,
            "totalMemory": found.memory_bytes + vram_bytes,
            "availableBytes": found.available_bytes,
        },
    }
    return {"status": "ok", "engines": [engine]}


def _gpu(number: int, device: "Device") -> dict[str, Any]:
    return {
        "name": device.name,
        "deviceId": number,
        "totalMemoryCapacityBytes": device.total_bytes,
        "dedicatedMemoryCapacityBytes": 0 if device.integrated else device.total_bytes,
        "integrationType": "integrated" if device.integrated else "discrete",
        "detectionPlatform": PLATFORMS.get(device.library, device.library),
        "detectionPlatformVersion": "",
        "otherInfo": {"freeBytes": str(device.free_bytes)},
    }


def _cells(device: "Device") -> tuple[Cell, ...]:
    built = "Integrated" if device.integrated else "Discrete"
    name = f"{device.name} ({PLATFORMS.get(device.library, device.library)}, {built})"
    return name, units.memory(device.total_bytes), units.memory(device.free_bytes)


def _architecture() -> str:
    """As LM Studio names it."""
    machine = platform.machine()
    return {"aarch64": "ARM64", "arm64": "ARM64", "AMD64": "x86_64"}.get(machine, machine)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(PACKAGE)
    except PackageNotFoundError as error:
        raise EngineFailed(f"{PACKAGE} is not installed, so nothing can run a model.", hint=INSTALL) from error


def _survey() -> "Survey":
    """In a process of its own: this one stays light, and outlives a driver that does not."""
    import msgspec

    from lms.engine.protocol import Survey

    words = [sys.executable, "-P", "-m", "lms.engine.survey"]
    try:
        ended = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=SURVEY_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise EngineFailed(f"{PACKAGE} has not said what it sees within {SURVEY_TIMEOUT_S:.0f} s.") from error
    if ended.returncode:
        lines = ended.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {ended.returncode}"]
        raise EngineFailed(f"{PACKAGE} cannot be used: {lines[-1]}", hint=INSTALL)
    return msgspec.json.decode(ended.stdout, type=Survey)
