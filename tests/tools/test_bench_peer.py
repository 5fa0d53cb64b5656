from pathlib import Path

from tools.bench import peer
from tools.bench.servers import Setup

NOWHERE = Path("/nowhere/llama-server")


def test_the_environment_names_the_peer_before_all_else(tmp_path: Path) -> None:
    built = tmp_path / "llama-server"
    built.touch()
    assert peer.find({"LLAMA_SERVER": "/mine"}, built) == Path("/mine")
    assert peer.find({}, built) == built


def test_a_peer_on_the_path_is_found(tmp_path: Path) -> None:
    server = tmp_path / "llama-server"
    server.touch(mode=0o755)
    assert peer.find({"PATH": str(tmp_path)}, NOWHERE) == server


def test_no_peer_is_no_error() -> None:
    assert peer.find({"PATH": ""}, NOWHERE) is None


def test_the_peer_gets_the_context_of_every_slot() -> None:
    command = Setup(Path("m.gguf"), context_length=4096, slots=8, threads=2).command(NOWHERE, 80)
    assert " ".join(command[1:]) == "-m m.gguf --host 127.0.0.1 --port 80 -t 2 -np 8 -c 32768"


def test_an_embedding_model_is_served_as_one() -> None:
    setup = Setup(Path("m.gguf"), context_length=512, kind="embedding")
    assert setup.command(NOWHERE, 80)[-1] == "--embeddings"
    assert setup.config(speculation=False).parallel is None
