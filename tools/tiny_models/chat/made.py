"""Where the story of the present tiny-chat file is kept: training writes it, the model card quotes it."""

from pathlib import Path

MADE = Path(__file__).with_name("made.md")
