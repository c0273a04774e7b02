"""Copies of the program that can be held between a look and its intent, with the fence and without it."""

from __future__ import annotations

import shutil
from pathlib import Path

import reconciler

_BEGIN = "        self._intended.pop(pair, None)\n"
_WAIT = """\
        import os, pathlib, time
        while os.path.exists("hold"):
            pathlib.Path("held").touch()
            time.sleep(0.01)
"""
_HELD = {"engine/recorder.py": (_BEGIN, _BEGIN + _WAIT)}
_WITHOUT_EPOCH = {
    "state/leases.py": (
        "        if epoch is None or connection.execute(_FENCE, facts).first() is None:\n",
        "        if False:\n",
    ),
    "daemon/campaign.py": (
        "        return epoch is not None and self.epoch(target) == epoch\n",
        "        return True\n",
    ),
}


def copied(folder: Path, *, checks_epoch: bool) -> Path:
    """Copies the package into the folder: it waits before each intent while its folder has a file `hold`.

    Raises:
        LookupError: the program does not read as it did; correct this file.
    """
    copy = folder / "reconciler"
    shutil.copytree(Path(reconciler.__file__).parent, copy)
    for name, (right, wrong) in (_HELD if checks_epoch else _HELD | _WITHOUT_EPOCH).items():
        text = (copy / name).read_text("utf-8")
        if text.count(right) != 1:
            raise LookupError(f"{name}: what is to be changed is not found: correct this mutation")
        (copy / name).write_text(text.replace(right, wrong), "utf-8")
    return folder
