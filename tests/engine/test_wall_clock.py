"""The time is an argument: commands and a few modules read the wall clock, and no other one."""

from __future__ import annotations

from pathlib import Path

import reconciler

_PACKAGE = Path(reconciler.__file__).parent
_SHELL = {
    "app/doctor.py",  # compares this machine's clock with a registry's
    "daemon/triggers.py",  # APScheduler goes by the wall clock
    "engine/clock.py",
    "settings/types.py",  # asks whether a crontab line ever fires
    "state/peek.py",  # before the engine is loaded
}


def test_only_commands_and_the_named_modules_read_the_wall_clock() -> None:
    readers = {
        str(file.relative_to(_PACKAGE))
        for file in _PACKAGE.rglob("*.py")
        if "datetime.now(" in file.read_text("utf-8")
    }
    assert {name for name in readers if not name.startswith("cli/")} == _SHELL
