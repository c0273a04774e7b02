"""Hostile git repositories: trees no git command would make, commits, refs, configuration, hooks and URLs."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.contract import edition
from reconciler.engine.history import model_changes
from reconciler.engine.last_commits import find_last_commits
from reconciler.engine.manifest_parser import ManifestParser
from reconciler.engine.plan import plan_digest, verdicts
from reconciler.engine.planner_input import PlannerInput
from reconciler.engine.validate import check
from reconciler.engine.values import Desired, LastCommit, Report, Snapshot
from reconciler.errors import SourceError
from reconciler.remote import parse_remote
from reconciler.source import open_source
from reconciler.source.worktree import WorkTree
from reconciler.views import history
from reconciler.views.history import Declaration
from tests.git_repository import git_environment
from tests.manifest.examples import MINIMAL
from tests.torture.hostile.damage import CANARY, noise, torn, word
from tests.torture.hostile.den import GOOD, Den
from tests.torture.hostile.git_words import IMPOSSIBLE, MODES, NAMES, REFS, TARGETS, URLS
from tests.torture.hostile.looks import NOON, SECRET, examine, examine_reasons, harmless, require
from tests.torture.hostile.manifests import hostile_file
from tests.torture.hostile.objects import PERSON, Entry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from reconciler.source import GitSource
    from tests.torture.fuzz import Attack

_LIFETIME = 40  # cases until a repository is thrown away, with all its objects


@contextlib.contextmanager
def attacker(folder: Path) -> Iterator[Attack]:
    """One hostile commit, repository or URL; nothing it names may be started."""
    program = folder / "sing"
    program.write_text(f"#!/bin/sh\ntouch {folder / CANARY}\ncat\n")
    program.chmod(0o755)
    dens: list[Den] = []
    count = 0

    def attack(dice: Random) -> None:
        nonlocal count
        if count % _LIFETIME == 0:
            dens[:] = [Den(folder / "repo", str(program))]
        count += 1
        kind = dice.random()
        try:
            if kind < 0.65:
                _hostile_commit(dice, dens[0], folder)
            elif kind < 0.8:
                _hostile_repository(dice, dens[0], folder)
            elif kind < 0.9:
                _hostile_folder(dice, folder / "disk")
            else:
                _hostile_url(dice, folder)
        finally:
            dens[0].reset()
            require(not (folder / CANARY).exists(), "a repository started a program")

    with _nobodys_configuration(folder):
        yield attack


def _hostile_commit(dice: Random, den: Den, folder: Path) -> None:
    """Odd names, modes, sizes, authors and messages; good files beside them keep their outcome."""
    possible = dice.random() < 0.8
    inner = den.store.tree([*den.good, *_entries(dice, den, possible=possible)], in_order=possible)
    root = [Entry(b"40000", b"models.d", inner), *_entries(dice, den, most=2, possible=possible)]
    tree = den.store.tree((e for e in root if e.name != b"models.d" or e.mode == b"40000"), in_order=possible)
    parents: list[str] = []
    for _ in range(dice.randint(1, 3)):
        parents = [_commit(dice, den, tree, parents)]
    den.store.point("refs/heads/main", parents[0])
    armed = dice.random() < 0.5
    if armed:
        den.arm(dice)
    with open_source("repo", branch=None, cache_dir=folder / "cache", base=folder, timeout=20) as source:
        try:
            commit = source.head()
            snapshot = source.snapshot(commit, "models.d")
            parser = ManifestParser(edition("seed-2019"), "models.d")
            desired = parser.snapshot(source, snapshot)
        except SourceError:
            require(
                armed or not possible or not _git_can_list(den, parents[0]), "what git can list can be read"
            )
            raise
        _examine(dice, source, snapshot, desired, parser, whole=possible)


def _examine(
    dice: Random,
    source: GitSource,
    snapshot: Snapshot,
    desired: Desired,
    parser: ManifestParser,
    *,
    whole: bool,
) -> None:
    if whole:
        named = {pair.model_name for pair in desired.manifests}
        require(
            {f"good-{number}" for number in range(2)} <= named, "a bad file changes no other file's outcome"
        )
    last_commits: dict[tuple[str, int], LastCommit] = {}
    with contextlib.suppress(SourceError):
        parsed_files = [parsed_file for parsed_file, _ in parser.read(source, snapshot.files, lambda _: None)]
        with source.graph(
            snapshot.commit, [parsed_file.path for parsed_file in parsed_files] or ["models.d"]
        ) as graph:
            by_file = find_last_commits(graph, source, parsed_files).by_file
        last_commits = {(path, line): made for path, lines in by_file.items() for line, made in lines.items()}
        with source.graph(snapshot.commit, ["models.d"], whole=True) as graph:
            changes = model_changes(graph, source, "models.d")
        rows = history.rows(
            [Declaration("local", pair, file_changes) for pair, file_changes in changes.items()], ()
        )
        harmless("".join(history.text(rows)), "history")
    items = verdicts(PlannerInput("local", desired, NOON, last_commits=last_commits))
    examine(Report(snapshot.commit, plan_digest(items), items, notes=tuple(source.notes())), dice)


def _entries(dice: Random, den: Den, most: int = 6, *, possible: bool) -> list[Entry]:
    """Entries of one tree, each name once where it is to be possible."""
    entries: dict[bytes, Entry] = {}
    for _ in range(dice.randint(0, most)):
        name = dice.choice(NAMES if possible or dice.random() < 0.6 else IMPOSSIBLE)
        if dice.random() < 0.2:
            name = word(dice).encode().replace(b"\0", b"").replace(b"/", b"") + b".yaml"
        if name not in GOOD and (name != b"config.json" or dice.random() < 0.5):
            entries[name] = _entry(dice, den, name, possible=possible)
    return list(entries.values()) * (1 if possible or dice.random() < 0.7 else 2)


def _entry(dice: Random, den: Den, name: bytes, *, possible: bool) -> Entry:
    mode = dice.choice(MODES[:7] if possible else MODES)
    if mode == b"120000":
        return Entry(mode, name, den.store.blob(dice.choice(TARGETS)))
    if mode == b"160000":
        return Entry(mode, name, dice.choice(("1" * 40, den.good[0].object_id)))
    if mode == b"40000":
        return Entry(mode, name, _folder(dice, den, possible=possible))
    if not possible and dice.random() < 0.3:
        return Entry(mode, name, dice.choice(("0" * 40, "f" * 40, den.store.tree([]))))
    if dice.random() < 0.05:
        return Entry(mode, name, den.huge)
    return Entry(mode, name, den.store.blob(hostile_file(dice)[1]))


def _folder(dice: Random, den: Den, *, possible: bool) -> str:
    """A folder in a folder, sometimes very many of them."""
    blob = den.store.blob(MINIMAL.encode() if dice.random() < 0.2 else b"x: 1")
    inner = den.store.tree([Entry(b"100644", dice.choice(NAMES[:8]), blob)])
    for _ in range(dice.choice((0, 1, 2, 60 if possible else 300))):
        inner = den.store.tree([Entry(b"40000", b"d", inner)])
    return inner


def _commit(dice: Random, den: Den, tree: str, parents: list[str]) -> str:
    name = dice.choice((b"A", b"", b"<", b"\x1b[2J", b"\xff\xfe", b"a\0b", b"\xe2\x80\xae", b"n" * 9000))
    date = dice.choice(
        (b"1700000000 +0200", b"-1 -0000", b"9" * 30 + b" +9999", b"0 +2460", b"now", b"", b"1e9 +x")
    )
    author = dice.choice((PERSON, name + b" <" + name + b"> " + date, date, b""))
    message = dice.choice(
        (b"Change\n", b"", noise(dice)[:2000], b"\x1b[2J\xe2\x80\xae\n", b"\n\n\nlate", b"l" * 90_000)
    )
    more = dice.choice(
        (b"", b"", b"encoding UTF-16\n", b"encoding nonsense\n", b"gpgsig x\n y\n", b"mergetag x\n")
    )
    return den.store.commit(tree, parents, author=author, message=message, more=more)


def _hostile_repository(dice: Random, den: Den, folder: Path) -> None:
    """Refs, packed refs, HEAD and configuration as bytes that nobody expects."""
    tree = den.store.tree([Entry(b"40000", b"models.d", den.store.tree(den.good))])
    commit = den.store.commit(tree)
    den.store.point("refs/heads/main", commit)
    git_dir = den.path / ".git"
    for name in dice.sample(
        ("HEAD", "packed-refs", "refs/heads/main", "config", "shallow", "info/grafts", "index"), 2
    ):
        first = dice.choice((*REFS, commit.encode(), f"{commit} refs/heads/main".encode(), den.configuration))
        (git_dir / name).write_bytes(torn(dice, first, most=2) if dice.random() < 0.6 else first)
    branch = dice.choice((None, "main", word(dice)))
    with open_source("repo", branch=branch, cache_dir=folder / "cache", base=folder, timeout=20) as source:
        head = source.head()
        snapshot = source.snapshot(head, dice.choice(("models.d", "", word(dice))))
        ManifestParser(edition("seed-2019"), "models.d").snapshot(source, snapshot)
        harmless("".join(source.notes()), "notes")
        source.resolve(
            dice.choice(("HEAD", "main", word(dice), "@{-1}", ":/x", "HEAD^{/x}", "--all", commit[:7]))
        )
        source.contains(head, dice.choice((commit, "f" * 40, head)))
        source.watch_paths()


def _hostile_folder(dice: Random, folder: Path) -> None:
    """The same names in a work tree, where `validate` reads them."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "models.d").mkdir(parents=True)
    for name, text in GOOD.items():
        (folder / "models.d" / os.fsdecode(name)).write_bytes(text)
    for _ in range(dice.randint(1, 5)):
        place = os.fsencode(folder / "models.d") + b"/" + dice.choice(NAMES).lstrip(b".")[:200]
        with contextlib.suppress(OSError, ValueError):  # a name that cannot be, or is taken
            _put(dice, place)
    tree = WorkTree(folder)
    checked = check(tree.snapshot("models.d"), tree, edition("seed-2019"))
    examine_reasons(checked.reasons)
    blamed = {reason.path for reason in checked.reasons if reason.severity == "error"}
    require(
        not blamed & {f"models.d/{os.fsdecode(name)}" for name in GOOD},
        "a bad file is no other file's fault",
    )


def _put(dice: Random, place: bytes) -> None:
    kind = dice.randrange(5)
    if kind == 0:
        os.symlink(dice.choice(TARGETS), place)  # noqa: PTH211 - a name of bytes
    elif kind == 1:
        os.mkfifo(place)
    elif kind == 2:
        os.mkdir(place)  # noqa: PTH102
    else:
        with Path(os.fsdecode(place)).open("xb") as file:  # never through a link that lies there
            file.write(hostile_file(dice)[1])


def _hostile_url(dice: Random, folder: Path) -> None:
    is_torn = dice.random() < 0.5  # then nobody can tell what in it is a secret
    url = dice.choice(URLS).format(c=CANARY, p="sing", s="x" if is_torn else SECRET)
    if is_torn:
        url = torn(dice, url.encode(), most=2).decode(errors="replace")[:9000]
    remote = parse_remote(url)
    if remote is not None:
        harmless(repr(remote), "a remote")
        require(remote.scheme in ("file", "ssh", "https", "http"), "a scheme that is known")
    if remote is None or remote.scheme == "file":
        with open_source(url, branch=None, cache_dir=folder / "cache", base=folder, timeout=20) as source:
            source.head()


def _git_can_list(den: Den, commit: str) -> bool:
    """Whether git itself reads the commit."""
    command = ["git", "ls-tree", "-r", "-l", "-z", "--full-tree", commit]
    done = subprocess.run(command, cwd=den.path, env=git_environment(), capture_output=True, check=False)
    return done.returncode == 0


@contextlib.contextmanager
def _nobodys_configuration(folder: Path) -> Iterator[None]:
    """Git reads no configuration but the repository's own while the block runs."""
    kept = dict(os.environ)
    os.environ.clear()
    os.environ.update(git_environment() | {"HOME": str(folder)})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)
