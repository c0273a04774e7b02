"""Commits that declare far more than they weigh, and what each of them costs a command.

Each function writes its objects into a repository and gives the commit, whose parent is the one given. With
smaller numbers the suite plays them too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.git_repository import git_environment
from tests.program import EMBEDDED, Fleet, manifest
from tests.torture.hostile.measured import Measured
from tests.torture.hostile.objects import Entry, ObjectStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Hostile = Callable[[ObjectStore, str], str]

FOLDER = b"models.d"


def nested(
    store: ObjectStore,
    parent: str,
    *,
    deep: int,
    wide: int = 10,
    text: bytes = b"model_name: a\n",
    siblings: Sequence[Entry] = (),
) -> str:
    """As many paths as `wide` to the power of `deep`: each folder holds the next one so many times."""
    made, mode = store.blob(text), b"100644"
    for _ in range(deep):
        names = [b"%d%s" % (number, b"" if mode == b"40000" else b".yaml") for number in range(wide)]
        made, mode = store.tree(Entry(mode, name, made) for name in names), b"40000"
    return _committed(store, parent, [*siblings, Entry(b"40000", b"hostile", made)])


def deep(store: ObjectStore, parent: str, *, levels: int, siblings: Sequence[Entry] = ()) -> str:
    """One file below very many folders, each in the other."""
    made, mode = store.blob(b"x: 1\n"), b"100644"
    for _ in range(levels):
        made, mode = store.tree([Entry(mode, b"d" if mode == b"40000" else b"d.yaml", made)]), b"40000"
    return _committed(store, parent, [*siblings, Entry(b"40000", b"hostile", made)])


def one_pair_everywhere(
    store: ObjectStore, parent: str, *, files: int, siblings: Sequence[Entry] = ()
) -> str:
    """Files with long names, of which each declares one model a hundred times."""
    blob = store.blob("---\n".join([manifest("claimed@1.0.0")] * 100).encode())
    names = (b"x" * 200 + b"%d.yaml" % number for number in range(files))
    return _committed(store, parent, [*siblings, *(Entry(b"100644", name, blob) for name in names)])


def faulty_everywhere(
    store: ObjectStore, parent: str, *, documents: int = 80, siblings: Sequence[Entry] = ()
) -> str:
    """One file in which nearly every line is wrong."""
    lines = "".join(f"{number}: 1\n" for number in range(100))
    blob = store.blob("---\n".join([lines] * documents).encode())
    return _committed(store, parent, [*siblings, Entry(b"100644", b"faulty.yaml", blob)])


def long_author(
    store: ObjectStore, parent: str, *, size: int, models: int = 200, siblings: Sequence[Entry] = ()
) -> str:
    """An author and a subject of so many characters, on every one of the models."""
    blobs = [store.blob(manifest(f"long{number}@1.0.0").encode()) for number in range(models)]
    entries = [Entry(b"100644", b"long%d.yaml" % number, blob) for number, blob in enumerate(blobs)]
    author = b"N" * size + b" <author@example.org> 1700000000 +0200"
    return _committed(store, parent, [*siblings, *entries], author=author, message=b"S" * size)


def _committed(store: ObjectStore, parent: str, entries: Sequence[Entry], **facts: bytes) -> str:
    root = store.tree([Entry(b"40000", FOLDER, store.tree(entries))])
    commit = store.commit(root, [parent] if parent else [], **facts)
    store.point("refs/heads/main", commit)
    return commit


# --- measured ------------------------------------------------------------------------------------------

ATTACKS: dict[str, Hostile] = {
    "100,000 paths": lambda store, parent: nested(store, parent, deep=5),
    "1,000,000 paths": lambda store, parent: nested(store, parent, deep=6),
    "10,000,000 paths": lambda store, parent: nested(store, parent, deep=7),
    "a file below 10,000 folders": lambda store, parent: deep(store, parent, levels=10_000),
    "one pair declared 1,000 times": lambda store, parent: one_pair_everywhere(store, parent, files=10),
    "a file of 8,000 mistakes": faulty_everywhere,
    "an author of 1 MB": lambda store, parent: long_author(store, parent, size=1_000_000),
}
COMMANDS = (("plan",), ("plan", "--output", "json"), ("history",))


def measured() -> Iterator[Measured]:
    """Each commit, pushed onto a good one that was applied before, and each command after it."""
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, attack) in enumerate(ATTACKS.items()):
            fleet = _fleet(Path(folder) / str(number))
            quiet = {command: _run(fleet, command)[0] for command in COMMANDS}
            store = ObjectStore(fleet.folder / ".git")
            attack(store, fleet.repository.git("rev-parse", "HEAD"))
            sent = len(fleet.repository.git("pack-objects", "--all", "--stdout", "-q"))
            for command in COMMANDS:
                memory, seconds, printed = _run(fleet, command)
                on = f"`{' '.join(command)}`"
                sys.stderr.write(f"{time.strftime('%H:%M:%S')} {name}: {on}: {printed} bytes\n")
                grown, is_short = max(memory - quiet[command], 0), printed <= MOST_OUTPUT
                yield Measured(name, on, sent, grown, seconds, is_short, MOST_MEMORY, MOST_SECONDS)


MOST_MEMORY = 256 * 1024 * 1024
"""Bytes that a command, or a git that it starts, may take more than with a good commit alone."""

MOST_SECONDS = 10.0
"""How long a whole command may take, on two cores that others use too."""

MOST_OUTPUT = 1_000_000
"""Bytes that a command may print of a commit that is hostile and declares less than its budgets."""


def _fleet(folder: Path) -> Fleet:
    fleet = Fleet(folder)
    fleet.configure(EMBEDDED)
    fleet.declare("good@1.0.0")
    if (done := fleet.process("apply", "--quiet")).code:
        raise RuntimeError(f"{done.code}: {done.out[-500:]} {done.err}")
    return fleet


def _run(fleet: Fleet, command: Sequence[str]) -> tuple[int, float, int]:
    """Bytes of memory at the peak, of the command or of a git that it started; seconds; bytes printed."""
    watch = (
        "import json, os, resource, subprocess, sys\n"
        "printed = len(subprocess.run(sys.argv[1:], capture_output=True, check=False).stdout)\n"
        "print(json.dumps([resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024, printed]))\n"
    )
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", watch, sys.executable, "-m", "reconciler", *command],
        cwd=fleet.folder,
        env=git_environment() | {"HOME": str(fleet.folder.parent), "PYTHONPATH": os.getcwd()},  # noqa: PTH109
        capture_output=True,
        check=True,
    )
    memory, printed = json.loads(done.stdout)
    return memory, time.monotonic() - started, printed
