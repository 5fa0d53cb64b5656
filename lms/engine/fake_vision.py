"""Pictures for the fake model, which says digits for each of their tokens: other ones for every picture."""

from collections.abc import Sequence as Tokens

from lms.engine.model import Picture
from lms.engine.picture_tokens import tokens_for
from lms.engine.pictures import decoded
from lms.generation.messages import Image

PICTURE_TOKENS = 5


class FakeVision:
    """Implements `Vision`. Every picture takes five tokens."""

    marker = "<__picture__>"

    def read(self, text: str, images: Tokens[Image], *, add_special: bool) -> tuple[list[int], tuple[Picture, ...]]:
        before, *others = text.split(self.marker)
        tokens, pictures = list(before.encode()), []
        for shown, after in zip(decoded(images), others, strict=True):
            pictures.append(Picture(len(tokens), PICTURE_TOKENS, None))
            tokens += [*tokens_for(shown.rgb, PICTURE_TOKENS), *after.encode()]
        return tokens, tuple(pictures)
