"""The peer: llama.cpp's own server, at best from the very source that llama-cpp-python was built from.

`python -m tools.bench.peer` (`make peer`) builds it into `build/peer`, which takes 10 to 15 minutes on two cores; what
CFLAGS and CXXFLAGS say goes into the build. Where AMX instructions end in a crash, both it and llama-cpp-python should
be built with `-mno-amx-int8 -mno-amx-tile -mno-amx-bf16` in both variables: two that run the same kernels can be
compared.
"""

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

FOLDER = Path("build/peer")
SERVER = FOLDER / "build" / "bin" / "llama-server"
CMAKE_OPTIONS = (
    "-DCMAKE_BUILD_TYPE=Release",
    "-DLLAMA_BUILD_IS_DEV=OFF",
    # What a server without a web page needs no part of; the page would be downloaded.
    "-DLLAMA_BUILD_UI=OFF",
    "-DLLAMA_USE_PREBUILT_UI=OFF",
    "-DLLAMA_BUILD_TESTS=OFF",
    "-DLLAMA_BUILD_EXAMPLES=OFF",
    "-DLLAMA_BUILD_APP=OFF",
    "-DLLAMA_OPENSSL=OFF",
)


def find(environ: Mapping[str, str] = os.environ, built: Path = SERVER) -> Path | None:
    """LLAMA_SERVER of the environment, else the one that was built here, else one on the PATH."""
    if named := environ.get("LLAMA_SERVER"):
        return Path(named)
    if built.exists():
        return built
    found = shutil.which("llama-server", path=environ.get("PATH", ""))
    return Path(found) if found else None


def build_number(server: Path) -> str:
    """What `llama-server --version` says in its first line."""
    said = subprocess.run([server, "--version"], capture_output=True, text=True, timeout=60, check=False)
    lines = [line for line in (said.stdout + said.stderr).splitlines() if "version" in line]
    return lines[0].strip() if lines else "unknown version"


def source() -> Path:
    """The unpacked source distribution of the installed llama-cpp-python, downloaded if need be (75 MB).

    Raises CalledProcessError when the package index has none.
    """
    release = f"llama_cpp_python-{version('llama-cpp-python')}"
    unpacked = FOLDER / release
    if not unpacked.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        _download(release)
        with tarfile.open(FOLDER / f"{release}.tar.gz") as archive:
            archive.extractall(FOLDER, filter="data")
    return unpacked


def vocabulary(name: str) -> Path:
    """One of the vocabularies without weights that llama.cpp tests its tokenizers with."""
    return source() / "vendor" / "llama.cpp" / "models" / f"ggml-vocab-{name}.gguf"


def build() -> Path:
    """Compile llama-server, unless that was done. Raises CalledProcessError; the reason is in `build/peer/*.log`."""
    if not SERVER.exists():
        llama_cpp, folder = source() / "vendor" / "llama.cpp", FOLDER / "build"
        jobs = os.environ.get("CMAKE_BUILD_PARALLEL_LEVEL") or str(os.cpu_count() or 1)
        _logged("configure", ["cmake", "-S", str(llama_cpp), "-B", str(folder), *CMAKE_OPTIONS])
        _logged("build", ["cmake", "--build", str(folder), "-j", jobs, "--target", "llama-server"])
    return SERVER


def _download(release: str) -> None:
    requirement = release.replace("_", "-").replace("-python-", "-python==")
    print(f"Downloading the source of {requirement} into {FOLDER} (75 MB).", flush=True)
    options = ["--quiet", "--no-deps", "--no-binary", "llama-cpp-python", "--dest", str(FOLDER)]
    subprocess.run([sys.executable, "-m", "pip", "download", *options, requirement], check=True)


def _logged(step: str, command: list[str]) -> None:
    log = FOLDER / f"{step}.log"
    print(f"{' '.join(command[:2])} … (see {log})", flush=True)
    with log.open("wb") as file:
        subprocess.run(command, check=True, stdout=file, stderr=subprocess.STDOUT)


if __name__ == "__main__":
    print(f"{build()} is there: {build_number(SERVER)}")
