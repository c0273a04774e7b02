"""What the program stands on is taken away and given back: how long until it works again, and what it says.

`python -m tests.torture.outages` plays every outage and prints the table that stands in docs/reliability.md.
One is: the loop is ready; something goes; a model is committed; a while later it comes back, and one more is
committed. Counted are the seconds until every target has both, what the probes said meanwhile, the imports
that were made while there was no state, and the models of which a registry has more than one: both registries
take a name and version twice, so that only the program prevents that.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.postgres import programs
from tests.torture.site import TARGETS, Probe, Site

Act = Callable[[Site], None]

HELD = 8.0  # seconds that something is away: longer than three intervals of the site's schedule


def _nothing(_: Site) -> None:
    """It comes back by itself, or never."""


@dataclass(frozen=True)
class Outage:
    """One thing that is taken away in one way.

    Attributes:
        what: what is taken away.
        way: how.
        take: takes it away.
        give: gives it back.
        postgres: of a state in PostgreSQL.
        held: seconds between the two; 0 for what comes back at once.
        imports: the targets that go on importing meanwhile.
    """

    what: str
    way: str
    take: Act
    give: Act = _nothing
    postgres: bool = False
    held: float = HELD
    imports: tuple[str, ...] = ()


@dataclass
class Result:
    """What became of one outage."""

    outage: Outage
    seconds: float = 0.0
    probes: list[Probe] = field(default_factory=list)
    missing: tuple[str, ...] = ()
    duplicates: int = 0
    exit_code: int = 0

    @property
    def well(self) -> bool:
        """Nothing twice, an orderly end, and no healthy silence."""
        return not self.duplicates and self.exit_code == 0 and not self.missing

    def row(self) -> str:
        """A line of the table."""
        cells = (
            self.outage.what,
            self.outage.way,
            f"{self.seconds:.1f}",
            _codes(probe.healthy for probe in self.probes),
            _codes(probe.ready for probe in self.probes),
            ", ".join(sorted(self._down())) or "all stay up",
            str(self.duplicates),
        )
        return f"| {' | '.join(cells)} |"

    def _down(self) -> set[str]:
        names = {"reconciler_state_up": "state", "reconciler_target_upa": "a", "reconciler_target_upb": "b"}
        return {
            names[name]
            for probe in self.probes
            for name, value in probe.metrics.items()
            if name in names and not value
        }


def _codes(codes: object) -> str:
    """The answers in the order in which they were first given."""
    return ", then ".join(dict.fromkeys(str(code or "no answer") for code in codes))  # type: ignore[attr-defined]


def _line(name: str, way: str) -> Act:
    def act(site: Site) -> None:
        if way == "lose":
            site.lines[name].lose()
        else:
            site.lines[name].way = way  # type: ignore[assignment]

    return act


def _stop(site: Site) -> None:
    assert site.server is not None
    site.server.stop()


def _start(site: Site) -> None:
    assert site.server is not None
    site.server.start()


def _restart(site: Site) -> None:
    _stop(site)
    _start(site)


def _terminate(site: Site) -> None:
    assert site.server is not None
    site.server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'reconciler%'"
    )


def _empty(site: Site) -> None:
    """As a failover to a replica that never had the data."""
    assert site.server is not None
    _terminate(site)
    site.server.execute("DROP SCHEMA here CASCADE")
    site.server.execute("CREATE SCHEMA here")


def _delete_folder(site: Site) -> None:
    shutil.rmtree(site.folder / "state")


def _delete(name: str) -> Act:
    return lambda site: (site.folder / "state" / name).unlink()


def _replace_with_copy(site: Site) -> None:
    kept = site.folder / "state" / "state.db"
    copy = shutil.copyfile(kept, site.folder / "copy.db")
    copy.rename(kept)


def _forbid(site: Site) -> None:
    """A file system that came back read-only refuses the same: a folder in the place of the file."""
    state = site.folder / "state"
    state.rename(site.folder / "away")
    state.write_text("", "ascii")


def _allow(site: Site) -> None:
    state = site.folder / "state"
    state.unlink()
    (site.folder / "away").rename(state)


def _hide_repository(site: Site) -> None:
    site.repository.path.rename(site.folder / "hidden")


def _show_repository(site: Site) -> None:
    (site.folder / "hidden").rename(site.repository.path)


OUTAGES = (
    Outage("state (file)", "folder deleted", _delete_folder, held=0),
    Outage("state (file)", "lock file deleted", _delete("state.db.lock"), held=0),
    Outage("state (file)", "write-ahead log deleted", _delete("state.db-wal"), held=0),
    Outage("state (file)", "database deleted", _delete("state.db"), held=0),
    Outage("state (file)", "replaced by a copy", _replace_with_copy, held=0),
    Outage("state (file)", "cannot be reached", _forbid, _allow),
    Outage("state (PostgreSQL)", "sessions terminated", _terminate, postgres=True, held=0),
    Outage("state (PostgreSQL)", "restarted", _restart, postgres=True, held=0),
    Outage("state (PostgreSQL)", "stopped", _stop, _start, postgres=True),
    Outage("state (PostgreSQL)", "cut", _line("state", "cut"), _line("state", "open"), postgres=True),
    Outage(
        "state (PostgreSQL)",
        "swallowed",
        _line("state", "swallow"),
        _line("state", "open"),
        postgres=True,
        held=35,
    ),
    Outage("state (PostgreSQL)", "connections lost", _line("state", "lose"), postgres=True, held=0),
    Outage("state (PostgreSQL)", "emptied", _empty, postgres=True, held=0),
    Outage("git", "cut", _line("git", "cut"), _line("git", "open")),
    Outage("git", "swallowed", _line("git", "swallow"), _line("git", "open")),
    Outage("registry a", "cut", _line("a", "cut"), _line("a", "open"), imports=("b",)),
    Outage("registry a", "swallowed", _line("a", "swallow"), _line("a", "open"), imports=("b",)),
    Outage("registry b", "cut", _line("b", "cut"), _line("b", "open"), imports=("a",)),
    Outage("registry b", "swallowed", _line("b", "swallow"), _line("b", "open"), imports=("a",)),
)

HEAD = (
    "| taken away | how | seconds until imported again | `/healthz` | `/readyz` | down in the metrics "
    "| duplicates |\n| --- | --- | ---: | --- | --- | --- | ---: |"
)


def play(outage: Outage, folder: Path) -> Result:
    """One outage, from a loop that is ready to the end of the process."""
    result = Result(outage)
    with Site(folder, outage.postgres) as site:
        outage.take(site)
        during = None if outage.what == "git" else site.commit()
        ends = time.monotonic() + outage.held
        while time.monotonic() < ends:
            result.probes.append(site.probe())
            time.sleep(0.1)
        if during and outage.imports:  # however long that takes: nothing is given back before
            site.until(lambda: site.has(during, outage.imports), f"imported by {outage.imports}")
        if during and outage.held and not outage.imports and any(site.rows(name)[during] for name in TARGETS):
            result.missing = ("imported without a state",)
        outage.give(site)
        began, last = time.monotonic(), site.commit()
        while not (site.has(last) and (during is None or site.has(during))):
            assert time.monotonic() < began + 180, site.said()
            result.probes.append(site.probe())
            time.sleep(0.05)
        result.seconds = time.monotonic() - began
        site.until(lambda: site.probe().ready == 200, "ready again")
        result.duplicates = site.duplicates()
        result.exit_code, _ = site.end()
    return result


def main() -> int:
    """Plays the outages, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--only", default="", help="outages whose name contains this")
    fragment = parser.parse_args().only
    print(HEAD)  # noqa: T201 - the program's result
    well = True
    for outage in OUTAGES:
        if fragment not in f"{outage.what} {outage.way}" or (outage.postgres and programs() is None):
            continue
        with tempfile.TemporaryDirectory(prefix="reconciler-outage-") as folder:
            result = play(outage, Path(folder))
        print(result.row(), flush=True)  # noqa: T201 - the program's result
        if not result.well:
            print(f"failed: {outage.what} {outage.way}: {result}", file=sys.stderr)  # noqa: T201
            well = False
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
