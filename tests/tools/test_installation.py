import signal
import subprocess
import sys
from pathlib import Path

HOLDING = """
import signal
from tools.installation import fresh_installation
with fresh_installation() as installation:
    print(installation.home, flush=True)
    signal.pause()
"""


def test_an_installation_is_removed_when_its_program_is_asked_to_end() -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDING], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        home = Path(program.stdout.readline().strip())
        existed = home.is_dir()
        program.send_signal(signal.SIGTERM)
    assert existed
    assert not home.exists()
    assert program.returncode == 128 + signal.SIGTERM
