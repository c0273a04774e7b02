"""Spares httpx two imports that it does without as soon as they fail; runs before httpx is first imported.

`httpx._main` is httpx's own command line: click, rich and pygments, two thirds of what importing httpx costs.
`sniffio` tells asyncio from trio. httpcore tries to import it with every lock that it makes; where it is not
installed, Python searches the whole path each time, a third of the processor time of a request.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec

sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type] # None makes an import fail at once
if find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]
