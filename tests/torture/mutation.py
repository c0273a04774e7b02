"""A copy of the program with its intents written too late: what the harness has to catch."""

from __future__ import annotations

import shutil
from pathlib import Path

import reconciler

_EXECUTE = "engine/execute.py"
_RIGHT = """\
        return await self.registry.create(manifest.request, intend)
"""
_WRONG = """\
        async def nothing() -> None:
            pass

        created = await self.registry.create(manifest.request, nothing)
        await intend()
        return created
"""


def intent_after_the_call(folder: Path) -> Path:
    """Copies the package into the folder, with the intent's write moved behind the import call.

    Raises:
        LookupError: the program does not read as it did; correct this file.
    """
    original = Path(reconciler.__file__).parent
    copy = folder / "reconciler"
    shutil.copytree(original, copy)
    text = (copy / _EXECUTE).read_text("utf-8")
    if text.count(_RIGHT) != 1:
        raise LookupError(f"{_EXECUTE}: the intent and the import call are not found: correct this mutation")
    (copy / _EXECUTE).write_text(text.replace(_RIGHT, _WRONG), "utf-8")
    return folder
