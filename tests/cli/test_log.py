"""The log of `run`: one stream, one form, whichever library speaks."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.program import EMBEDDED

if TYPE_CHECKING:
    from tests.program import Fleet

SPEAKERS = """
import asyncio, gc, logging, sys, threading, warnings
import structlog
from reconciler.cli.log import start_log
start_log("info", as_json=sys.argv[1] == "json")
structlog.get_logger("reconciler").info("ours", path="\\x1b[2J")
logging.getLogger("uvicorn.error").error("theirs %s", "said")
logging.getLogger("httpx").info("GET https://example.org/secret")
warnings.warn("old", DeprecationWarning, stacklevel=1)
warnings.simplefilter("always")
warnings.warn("old\\nand on two lines")
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()

class Dying:
    def __del__(self):
        raise ValueError("in a finalizer")

Dying()
gc.collect()

async def main():
    asyncio.get_running_loop().call_soon(lambda: {}["callback"])
    lost = asyncio.get_running_loop().create_future()
    lost.set_exception(OSError("nobody asked"))
    del lost
    gc.collect()
    await asyncio.sleep(0)

asyncio.run(main())
raise RuntimeError("at last")
"""


def _log_lines(form: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SPEAKERS, form], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr.splitlines()


def test_every_line_of_the_json_log_is_json_whoever_speaks() -> None:
    """This program, standard logging, warnings, asyncio, threads, finalizers, and what nobody caught."""
    lines = [json.loads(line) for line in _log_lines("json")]
    assert all(set(line) >= {"event", "level", "timestamp"} for line in lines)
    output = json.dumps(lines)
    for fact in (
        *("ours", "theirs said", "on two lines", "ZeroDivisionError", "in a finalizer", "nobody asked"),
        *("'callback'", "at last"),
    ):
        assert fact in output
    assert "secret" not in output
    assert {line["level"] for line in lines} == {"info", "warning", "error"}


def test_every_event_of_the_text_log_is_one_line_without_control_characters() -> None:
    """Tracebacks and control characters are written out."""
    lines = _log_lines("text")
    assert len(lines) == len(_log_lines("json"))
    assert "\x1b" not in "".join(lines)


def test_the_last_words_of_a_loop_are_part_of_its_log(fleet: Fleet) -> None:
    """A port that is taken: exit code 2, and one JSON object."""
    fleet.configure(EMBEDDED + "[web]\nlisten = '192.0.2.1:80'\n")
    done = fleet.process("run", "--output", "json")
    (line,) = [json.loads(line) for line in done.err.splitlines()]
    assert (done.code, line["event"], line["level"], line["exit_code"]) == (2, "ended", "error", 2)
    assert "web.listen" in line["error"]
    fleet.configure("[sorce]\n")
    (line,) = [json.loads(line) for line in fleet.process("run", "--output", "json").err.splitlines()]
    assert (line["event"], "sorce" in line["error"]) == ("ended", True)


@pytest.mark.parametrize(
    ("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_the_log_on_a_terminal_has_colour_unless_it_says_no(
    fleet: Fleet, environment: dict[str, str], coloured: bool
) -> None:
    """`NO_COLOR`, or a terminal that cannot."""
    (fleet.folder / "state").mkdir()
    fleet.configure(EMBEDDED + "[state]\nurl = 'sqlite:///state'\n")
    fleet.environment = {"TERM": "xterm"} | environment
    parent, child = pty.openpty()
    try:
        with fleet.spawn("run", stderr=child) as process:
            assert process.wait(30) == 3
        shown = os.read(parent, 65536).decode()
    finally:
        os.close(parent)
        os.close(child)
    assert "is a directory" in shown
    assert ("\x1b" in shown) is coloured


@pytest.mark.parametrize("closed", [True, False])
def test_a_log_that_cannot_be_written_never_ends_the_loop(fleet: Fleet, closed: bool) -> None:
    """A full disk, or a reader that has gone: imports go on, and SIGTERM ends it in order."""
    fleet.configure(EMBEDDED + "[web]\nenabled = false\n")
    reader, writer = os.pipe()
    if closed:
        os.close(reader)
    with open("/dev/full", "w") as full, fleet.spawn("run", stderr=writer if closed else full) as process:  # noqa: PTH123
        while fleet("status", "-q").out.count("in-sync") < 2:
            assert process.poll() is None
        process.terminate()
        assert process.wait(30) == 0
    os.close(writer)
    if not closed:
        os.close(reader)
