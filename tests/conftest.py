"""Settings for all tests."""

import sys

from hypothesis import settings

settings.register_profile("shared machine", deadline=None)  # how long an example takes says nothing on a busy machine
settings.load_profile("shared machine")


def pytest_unconfigure() -> None:
    """llama-cpp-python opens /dev/null twice when it is imported and closes neither: Python would complain at the end,
    behind the summary.
    """
    if opened := sys.modules.get("llama_cpp._utils"):
        opened.outnull_file.close()
        opened.errnull_file.close()
