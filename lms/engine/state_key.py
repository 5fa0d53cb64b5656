"""Under which settings a stored state was computed. A state under the wrong key would not be refused but answer
nonsense, so whatever might change one is part of it; a key that changes for nothing only costs a prefill. Which model
it is of, the folder says that it lies in (`lms.catalog.identity`).
"""

import hashlib
import json
import sys
from collections.abc import Mapping

from lms.engine.state_format import KEY_BYTES

Setting = str | int | float | bool | None


def state_key(settings: Mapping[str, Setting]) -> bytes:
    """The key of states computed under `settings`: version of llama.cpp, cache types, and whatever else changes them.

    The order of the settings does not matter; the processor's byte order is added.
    """
    said = json.dumps({**settings, "byte_order": sys.byteorder}, sort_keys=True)
    return hashlib.blake2b(said.encode(), digest_size=KEY_BYTES).digest()
