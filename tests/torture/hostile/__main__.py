"""Attacks on the loop and on the registry, measured: `python -m tests.torture.hostile`.

Each attack meets a process of its own. Meanwhile its `/healthz` is asked again and again, and its memory is
read from the kernel. The table goes to standard output, and stands in docs/security.md; the exit code is 1 if
an attack took more than `MOST_MEMORY`, or held the health answer up for longer than `MOST_SECONDS`.

Attackers that come by other ways than a socket join the table by a module here that has
`measured() -> Iterable[Measured]`, and by its name in `_OTHERS`.
"""

from __future__ import annotations

import argparse
import re
import signal
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from tests.plain_http import NO_TLS
from tests.program import EMBEDDED, Fleet, manifest
from tests.torture.hostile import connections
from tests.torture.hostile.measured import MOST_MEMORY, MOST_SECONDS, Measured, table

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterable, Iterator

    from tests.torture.hostile.connections import Attack

_OTHERS = ("commits",)
"""Modules of this package with attacks of their own, as far as they are there."""

_EVERYWHERE: dict[str, Attack] = {
    "headers without end": connections.headers_without_end,
    "one header of 200 MB": connections.one_huge_header,
    "150 half-sent requests": connections.half_sent,
    "1,000 half-sent requests of 50 KB": connections.very_many_half_sent,
    "1,000 silent connections of one address": connections.nothing_sent,
    "200 slow readers": connections.slow_readers,
    "100,000 requests that wait for an answer": connections.piled_requests,
    "100 visitors at once": connections.visitors,
}
ATTACKS: dict[str, dict[str, Attack]] = {
    "run": _EVERYWHERE | {"deliveries of 3 MB and of 200 MB": connections.huge_webhooks},
    "run, its health listener": {
        "150 half-sent requests": connections.half_sent,
        "1,000 silent connections of one address": connections.nothing_sent,
    },
    "registry serve": _EVERYWHERE | {"imports of 3 MB and of 200 MB": connections.huge_imports},
}
_WEB = '[web]\nlisten = "127.0.0.1:0"\nhealth_listen = "127.0.0.1:0"\nwebhook_secret = "a secret of nobody"\n'
_URL = {
    "run": re.compile(r"page +(?:health=(?P<health>\S+) +)?url=(?P<page>\S+)"),
    "registry serve": re.compile(r"registry: (?P<page>http://\S+)"),
}


@dataclass
class Victim:
    """A process that is attacked.

    Attributes:
        page: where it is attacked.
        health: whose `/healthz` is asked.
    """

    process: subprocess.Popen[str]
    page: str
    health: str
    waits: list[float] = field(default_factory=list)
    unanswered: int = 0

    def memory(self, name: str = "VmRSS") -> int:
        """Bytes, now or with `VmHWM` at the peak."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("utf-8")
        return int(re.search(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE)[1]) * 1024  # type: ignore[index]

    def peak_from_here(self) -> int:
        """Begins to look for the peak anew, and says from where."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5", "utf-8")
        return self.memory()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Asks for its health while the block runs, and once more at its end."""
        over = threading.Event()

        def ask() -> None:
            while not over.wait(0.02):
                self._ask()
            self._ask()

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _ask(self) -> None:
        started = time.monotonic()
        try:
            answer = httpx.get(
                f"{self.health}/healthz", timeout=2 * MOST_SECONDS, trust_env=False, verify=NO_TLS
            )
            answer.raise_for_status()
        except httpx.HTTPError:
            self.unanswered += 1
        self.waits.append(time.monotonic() - started)


def main() -> int:
    """Plays every attack, prints the table, and says whether it holds."""
    arguments = _arguments()
    rows: list[Measured] = []
    with tempfile.TemporaryDirectory() as folder:
        fleet = _fleet(Path(folder) / "fleet", arguments.models)
        for victim, attacks in ATTACKS.items():
            for name, attack in attacks.items():
                if arguments.only in name:
                    rows.append(_measured(fleet, victim, name, attack))
                    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {victim}: {name}\n")
    for other in _OTHERS:
        rows += _of_module(f"{__package__}.{other}")
    wrong = [row for row in rows if not row.holds]
    sys.stdout.write(f"{table(rows)}\nEvery row within {MOST_MEMORY >> 20} MiB and {MOST_SECONDS:g} s: ")
    sys.stdout.write("no\n" if wrong else "yes\n")
    return int(bool(wrong))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.torture.hostile", description=__doc__)
    parser.add_argument("--models", type=int, default=1000, help="how many models the page tells of")
    parser.add_argument("--only", default="", help="attacks whose names contain this")
    return parser.parse_args()


def _of_module(name: str) -> Iterable[Measured]:
    if find_spec(name) is None:
        return []
    rows: Iterable[Measured] = import_module(name).measured()
    return rows


def _fleet(folder: Path, models: int) -> Fleet:
    """A repository with a page of some size, reconciled once."""
    fleet = Fleet(folder)
    fleet.configure(EMBEDDED + f"\n[guards]\nmax_imports_per_cycle = {models}\n" + _WEB)
    texts = [manifest(f"m{number}@1.0.0") for number in range(models)]
    fleet.commit({f"models.d/{at}.yaml": "---\n".join(texts[at : at + 100]) for at in range(0, models, 100)})
    done = fleet.process("apply", "--quiet")
    if done.code:
        raise RuntimeError(f"{done.code}: {done.out[-500:]} {done.err}")
    return fleet


def _measured(fleet: Fleet, victim: str, name: str, attack: Attack) -> Measured:
    with _started(fleet, victim) as attacked:
        with suppress(httpx.HTTPError):
            httpx.get(attacked.page, trust_env=False, verify=NO_TLS)  # what is made once is made before
        before = attacked.peak_from_here()
        url = httpx.URL(attacked.page)
        with attacked.watched():
            sent = attack((url.host, url.port or 0))
        grown = max(attacked.memory("VmHWM") - before, 0)
    return Measured(name, victim, sent, grown, max(attacked.waits), answered=not attacked.unanswered)


@contextmanager
def _started(fleet: Fleet, victim: str) -> Iterator[Victim]:
    command = victim.partition(",")[0]
    words = {"run": ["run"], "registry serve": ["registry", "serve", "--port", "0", "--open"]}[command]
    with fleet.spawn(*words) as process, _read(process, _URL[command]) as addresses:
        page, health = addresses["page"], addresses.groupdict().get("health") or addresses["page"]
        yield Victim(process, health if "health" in victim else page, health)
        process.send_signal(signal.SIGTERM)
        process.wait(30)


@contextmanager
def _read(process: subprocess.Popen[str], pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
    """What it says of where it listens; whatever it says later is read and forgotten."""
    assert process.stderr is not None
    output = ""
    for line in process.stderr:
        output += line
        if match := pattern.search(line):
            break
    else:
        raise RuntimeError(f"it did not start: {output}")
    reader = threading.Thread(target=process.stderr.read, daemon=True)
    reader.start()
    yield match
    process.terminate()
    reader.join(30)


if __name__ == "__main__":
    sys.exit(main())
