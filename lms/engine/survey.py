"""`python -m lms.engine.survey`: prints a `Survey`. A process of its own, as a driver that crashes takes it along."""

import platform
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import msgspec
import psutil

from lms.engine.protocol import Survey


def main() -> None:
    from lms.engine import llama_devices

    memory = psutil.virtual_memory()
    found = Survey(
        processor=processor(),
        features=llama_devices.features(),
        devices=llama_devices.devices(),
        memory_bytes=memory.total,
        available_bytes=memory.available,
    )
    sys.stdout.buffer.write(msgspec.json.encode(found))


def processor() -> str:
    """What it is called, which the standard library only knows on Windows. Empty where the system does not tell."""
    if platform.system() == "Darwin":
        words = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()
    with suppress(OSError):
        found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        return found[1] if found else ""
    return ""


if __name__ == "__main__":
    main()
