"""How the program sets up the interpreter that it has to itself; no library room changes anything of it."""

from __future__ import annotations

import gc
import os
import sys
from importlib.util import find_spec

_SELDOM = (1_000_000, 20, 20)
"""Very many models are values that stay; by its usual thresholds the collector looks through them again and
again, which takes a fifth of the time of a large plan."""
_IN_A_LOOP = (100_000, 20, 20)


def for_a_command() -> None:
    """For a process that ends soon: before pydantic and httpx are first imported."""
    gc.set_threshold(*_SELDOM)
    # looking for plugins reads what every installed package says of itself; none is wanted beside secrets
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    spare_imports()


def for_a_loop() -> None:
    """For a process that stays: the collector looks more often."""
    gc.set_threshold(*_IN_A_LOOP)


def for_the_end() -> None:
    """What is left ends with the process, and is not looked through again before."""
    gc.freeze()


def spare_imports() -> None:
    """Spares httpx two imports that it does without as soon as they fail.

    `httpx._main` is httpx's own command line: click, rich and pygments, two thirds of what importing httpx
    costs. `sniffio` tells asyncio from trio. httpcore tries to import it with every lock that it makes; where
    it is not installed, Python searches the whole path each time, a third of the processor time of a request.
    """
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type] # None makes an import fail at once
    if find_spec("sniffio") is None:
        sys.modules["sniffio"] = None  # type: ignore[assignment]
