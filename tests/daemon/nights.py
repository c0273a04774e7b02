"""The journal of a night: as a document shows it, and as a test lives through it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.daemon.running import Daemon
    from tests.notify.receiving import Receiver

Line = tuple[str, str]
"""Who, and what."""

_DOCS = Path(__file__).parents[2] / "docs"
_NIGHT = re.compile(r"^```text night\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINE = re.compile(r"^\d\d:\d\d:\d\d  (\w+) +(.+?)(?:  .*)?$", re.MULTILINE)


def documented(name: str) -> list[Line]:
    """The lines of the night that a document shows."""
    (night,) = _NIGHT.findall((_DOCS / name).read_text("utf-8"))
    lines: list[Line] = _LINE.findall(night)
    assert len(lines) == len(night.splitlines())
    return lines


def attention(daemon: Daemon, after: int = 0) -> list[Line]:
    """What a loop logged of what needs somebody, but for so many lines that were there before."""
    lines = [("loop", line["event"]) for line in daemon.lines if " attention" in line["event"]]
    return lines[after:]


def messages(receiver: Receiver, after: int = 0) -> list[Line]:
    """What a sink got, but for so many messages that it had before."""
    return [("message", event["type"].rpartition(".")[2]) for event in receiver.bodies[after:]]
