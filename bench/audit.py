"""What auditing costs in processor time: `history` and `status --at` beside git alone, and a log with notes.

python -m bench.audit --models 100000

Each model has a commit of its own, and three events in the journal. What is compared is run in turns, so that
other work on the machine disturbs both alike; shown is the least of several runs.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from bench.generate import declared, generate, git
from bench.measure import run
from bench.registry import fill, served
from bench.stage import Stage, variables
from reconciler.contract.model_key import ModelKey
from reconciler.engine.note_lines import note_line
from reconciler.engine.values import Event, EventKind
from reconciler.remote import parse_remote
from reconciler.source.notes import shared_notes
from reconciler.state import open_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.measure import Run

_KINDS = (EventKind.IMPORT_REQUESTED, EventKind.IMPORTED, EventKind.PUBLISHED)
_STATUSES = (None, "publishing", "published")
_FIRST = datetime(2024, 1, 1, tzinfo=UTC)
_APPENDED = 1000  # models whose events are journalled together
_WITH_NOTES = 20_000  # commits at most
_NEWEST = f"--max-count={_WITH_NOTES}"  # each of them has a note; of all commits, where there are more, some
_FORMATS = (
    ("log",),
    *(("log", _NEWEST, *rest) for rest in ((), ("--", "models.d"), ("--raw",), ("--stat",))),
)
_REFS = ("elsewhere", "two-bytes", "one-line", "three-lines")


class Row(NamedTuple):
    """One command: the least processor time of its runs in seconds, its peak in MiB; and git's beside it."""

    title: str
    cpu: float
    peak: float
    beside: float | None = None

    def __str__(self) -> str:
        times = "" if self.beside is None else f"{self.cpu / self.beside:.2f} times"
        return f"| `{self.title}` | {self.cpu:.2f} s | {self.peak:.0f} | {times} |"


def events_of(number: int, commit: str) -> list[Event]:
    """What became of the model of that number, which this commit declares."""
    model, identity = declared(number), UUID(int=number + 1)
    pair = ModelKey(model.request["model_name"], model.request["model_version"])
    return [
        Event(
            at=_FIRST + timedelta(minutes=number, seconds=step),
            kind=kind,
            target="bench",
            pair=pair,
            cycle_id=identity.hex,
            commit=commit,
            path=model.path,
            line=1,
            author=None if step else "Author <author@example.org>",
            operation_id=str(identity),
            digest=None if step else identity.hex * 2,
            model_id=str(identity) if step else None,
            model_status=_STATUSES[step],
            request_id=identity.hex if step == 1 else None,
        )
        for step, kind in enumerate(_KINDS)
    ]


@contextmanager
def audited(folder: Path, models: int) -> Iterator[Stage]:
    """A repository, a cycle that found all of it registered, and a journal that tells of every commit."""
    folder.mkdir(parents=True)
    generate(folder / "models.git", models, commits=models)
    database = folder / "registry.db"
    fill(database, models)
    environment = variables(folder.parent / "compiled") | {"HOME": str(folder)}
    with served(database, environment) as registry:
        site = Stage(folder, models, registry, environment)
        site.run_ours("apply", "--no-wait", "--quiet")
        declaring = list(enumerate(commits(site)))
        with open_state(f"sqlite:///{site.state}", writer=True) as ledger:
            for start in range(0, models, _APPENDED):
                some = declaring[start : start + _APPENDED]
                ledger.append([event for number, commit in some for event in events_of(number, commit)])
        yield site


def commits(site: Stage) -> list[str]:
    """The commit that declares each model; the first commit of all declares another one."""
    return git(site.repository, "rev-list", "--reverse", "main").split()[-site.models :]


def program_rows(site: Stage, times: int) -> Iterator[Row]:
    """One model, one commit, an earlier day, and everything; git's answer to the same beside it."""
    number = site.models // 2
    events = events_of(number, commits(site)[number])
    pair, file = events[0].pair, ("log", "main", "--", declared(number).path)
    questions: list[tuple[tuple[str, ...], tuple[str, ...] | None]] = [
        (("--help",), None),
        (("history", f"{pair.model_name}@{pair.model_version}"), file),
        (("history", pair.model_name), file),
        (("history", "--model-id", str(events[-1].model_id)), None),
        (("history", "--commit", str(events[0].commit)), None),
        (("status", "--at", datetime.now(UTC).isoformat()), None),
        (("history",), ("log", "--raw", "main", "--", "models.d")),
        (("history", "--output", "json"), ("log", "--raw", "main", "--", "models.d")),
    ]
    for arguments, beside in questions:
        theirs, ours = [], []
        for _ in range(times):
            theirs += [site.run_git(*beside)] if beside else []
            ours.append(run(site.ours(*arguments), cwd=site.folder, environment=site.variables))
        if beside:
            yield _row(f"git {' '.join(beside)}", theirs)
        yield _row(f"reconciler {' '.join(arguments)}", ours, theirs)


def _row(title: str, runs: Sequence[Run], beside: Sequence[Run] = ()) -> Row:
    theirs = min((one.cpu for one in beside), default=None)
    return Row(title, min(one.cpu for one in runs), max(one.peak for one in runs), theirs)


def write_notes(site: Stage, folder: Path) -> float:
    """Writes notes of four kinds, each pushed to a host of its own; gives what one line a commit took.

    Processor seconds, those of git included. `elsewhere` has notes of as many commits that nobody has. On one
    host git would make deltas of one kind against another.
    """
    known = dict(enumerate(commits(site)))
    some = list(known.items())[-_WITH_NOTES:]
    lines = {commit: [note_line(event) for event in events_of(number, commit)] for number, commit in some}
    kinds: dict[str, Mapping[str, Sequence[str]]] = {
        "elsewhere": {commit[::-1]: told for commit, told in lines.items()},
        "two-bytes": {commit: ["x"] for commit in lines},
        "one-line": {commit: told[:1] for commit, told in lines.items()},
        "three-lines": lines,
    }
    took = 0.0
    for kind in _REFS:
        git(site.folder, "init", "--quiet", "--bare", str(_host(site, kind)))
        remote = parse_remote(_host(site, kind).as_uri())
        if remote is None:
            raise ValueError(kind)
        notes = shared_notes(remote, f"refs/notes/{kind}", folder, timeout=600.0, sha256=False)
        with closing(notes):
            notes.recover()
            begun = _spent()
            notes.add(kinds[kind], _FIRST)
            notes.publish()
            took = _spent() - begun if kind == "one-line" else took
    return took


def _host(site: Stage, kind: str) -> Path:
    return site.folder / f"{kind}.git"


def _spent() -> float:
    """Processor seconds of this process and of those that it waited for."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)


def note_rows(site: Stage, reader: Path, times: int) -> Iterator[str]:
    """What a log takes without notes, and how many times that with each kind of them, in a reader's clone."""
    git(site.folder, "clone", "--quiet", "--bare", site.repository.as_uri(), str(reader))
    for kind in _REFS:
        git(reader, "fetch", "--quiet", _host(site, kind).as_uri(), "refs/notes/*:refs/notes/*")
    for form in _FORMATS:
        plain: list[float] = []
        noted: dict[str, list[float]] = {ref: [] for ref in _REFS}
        for _ in range(times):
            plain.append(site.run_git(form[0], "--no-notes", *form[1:], repository=reader).cpu)
            for ref in _REFS:
                asked = (form[0], f"--notes={ref}", *form[1:])
                noted[ref].append(site.run_git(*asked, repository=reader).cpu)
        ratios = " | ".join(f"{min(noted[ref]) / min(plain):.2f}" for ref in _REFS)
        yield f"| `git {' '.join(form)}` | {1000 * min(plain):.0f} ms | {ratios} |"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.audit", description=__doc__.partition("\n")[0])
    parser.add_argument("--models", type=int, default=2000)
    parser.add_argument("--times", type=int, default=7, help="how often each command is run")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="audit-") as name:
        folder = Path(name) / "run"

        with audited(folder, given.models) as site:
            _tell("| command | processor time | MiB | beside git |\n|---|---:|---:|---:|")
            for row in program_rows(site, given.times):
                _tell(row)
            took = write_notes(site, folder / "notes")
            number = min(given.models, _WITH_NOTES)
            _tell(f"\n{number:,} notes of one line are written and pushed in {took:.2f} s\n")
            _tell(f"| `git log` | without notes | {' | '.join(_REFS)} |\n|---|---:|{'---:|' * len(_REFS)}")
            for line in note_rows(site, folder / "reader.git", given.times):
                _tell(line)


def _tell(line: object) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
