"""Every problem of every manifest, of the work tree or of a commit, shown; no network.

Nothing here needs the command-line framework: a hook runs `validate` of a file for each commit.
"""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import closing
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.app.repository import budgets_of, source_of
from reconciler.app.validate_cache import validate_settings
from reconciler.cli.plain import plain_command
from reconciler.cli.terminal import colour, configuration, echo, echo_err, limit_output, tell_warnings
from reconciler.contract import edition
from reconciler.engine.check import NOTHING, Checked, check, counted, first
from reconciler.errors import BudgetError, ConfigurationError, Exit, SourceError
from reconciler.manifest import Reason, is_manifest
from reconciler.phrases import listed
from reconciler.printable import printable
from reconciler.settings.discovery import chosen
from reconciler.settings.raw import raw_configuration
from reconciler.source.worktree import work_tree
from reconciler.views import problems

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from reconciler.app.validate_cache import Place
    from reconciler.budgets import Budgets
    from reconciler.settings import Configuration
    from reconciler.source.worktree import WorkTree


def as_text(_: Checked, reasons: Sequence[Reason]) -> None:
    """Shows problems to a person."""
    echo(problems.render(reasons, colour=colour()))


def carried_out(arguments: Sequence[str]) -> Exit | None:
    """The command as a hook writes it; None where only the framework can read it. Raises ReconcilerError."""
    plain = plain_command(arguments)
    if plain is None:
        return None
    return validated(plain.config, plain.target, tuple(map(Path, plain.operands)), quiet=plain.is_quiet)


def validated(
    config: Path | None,
    target: str | None,
    paths: Sequence[Path],
    *,
    commit: str | None = None,
    preflight: bool = False,
    show: Callable[[Checked, Sequence[Reason]], None] = as_text,
    quiet: bool = False,
) -> Exit:
    """Checks manifests and shows every problem; gives the exit code.

    Args:
        config: the configuration file that was given by name.
        target: the one target that is meant; None for all.
        paths: files or directories; every target's where there are none.
        commit: the commit to check; None for the work tree.
        preflight: looks at the models' files too.
        show: puts what was found, and as many problems as are told, to standard output.
        quiet: leaves the number of problems and the notes out.

    Raises:
        ConfigurationError: the configuration or a path cannot be used.
        SourceError: git could not be read.
    """
    if commit is not None and paths:
        raise ConfigurationError("--commit checks whole targets: leave the paths out")
    load = cache(partial(configuration, config))
    raw = raw_configuration(config, Path.cwd())
    settings = validate_settings(raw, load)
    limit_output(settings.budgets.output)
    tell_warnings(settings.warnings)
    targets = [settings.targets[name] for name in chosen(settings.targets, target)]
    try:
        if commit is None:
            folders = [place.path for place in targets]
            tree = work_tree(settings.repo, raw.base, folders, lambda: source_of(load()))
            checked = _on_disk(tree, targets, paths, settings.budgets, whole=preflight)
        else:
            checked = _committed(load(), target, commit, whole=preflight)
    except BudgetError as error:
        checked = Checked(frozenset(), (Reason("over-budget", str(error)),))
    if preflight:
        from reconciler.app.target_preflight import with_preflight  # noqa: PLC0415 - brings asyncio, a tenth of the start

        checked = with_preflight(load(), target, checked)
    show(checked, first(checked.reasons, settings.budgets.faults))
    if not quiet:
        (echo if show is as_text else echo_err)(counted(checked))  # other forms are read by programs
        echo_err("\n".join(f"note: {note}" for note in checked.notes))
    return Exit.ATTENTION if checked.errors else Exit.OK


def _on_disk(
    tree: WorkTree, targets: Sequence[Place], paths: Sequence[Path], budgets: Budgets, *, whole: bool
) -> Checked:
    section = _named(tree.base, targets, paths) if paths else {target: set() for target in targets}
    passed_over = set().union(*section.values())
    total = NOTHING
    for (root, rules, strict), files in section.items():
        judging = edition(rules, strict_config=strict)
        below = files or {path for path in passed_over if Path(path).is_relative_to(root)}
        named = tree.referring(below, root)
        passed_over -= named.keys() | {path for path in below if is_manifest(path, root)}
        if files:
            asked = files.union(*named.values())
            snapshot, notes = tree.with_related(asked, root)
            checked = check(snapshot, tree, judging, asked, budgets, look=tree.look, whole=whole)
            total += replace(checked, notes=notes)
        else:
            total += check(tree.snapshot(root), tree, judging, budgets=budgets, whole=whole)
    return _with_passed_over(_with_unread(total, tree, section), passed_over)


def _with_passed_over(checked: Checked, paths: Collection[str]) -> Checked:
    """The same with a note of each file that was named, and that no target reads nor a problem tells of."""
    named = {reason.path for reason in checked.reasons}
    notes = (
        f"not checked: {path} is no manifest: the name of one ends with .yaml, .yml or .json, and nothing in "
        "its path begins with . or _"
        for path in map(printable, sorted(paths))
        if path not in named
    )
    return replace(checked, notes=(*checked.notes, *notes))


def _with_unread(checked: Checked, tree: WorkTree, section: Mapping[Place, Collection[str]]) -> Checked:
    """The same with what could not be read: a problem of what was asked for, and a note of any other."""
    asked: list[Reason] = []
    others: list[Reason] = []
    for path, one in sorted(tree.unread.items()):
        is_asked = any(
            path in files or (not files and Path(path).is_relative_to(root))
            for (root, *_), files in section.items()
        )
        (asked if is_asked else others).append(one)
    if others:
        unread = listed(str(one.path) for one in others)
        note = f"not looked at: {unread} cannot be read, and may declare the same"
        checked = replace(checked, notes=(*checked.notes, note))
    return checked.also(asked)


def _named(base: Path, targets: Sequence[Place], paths: Sequence[Path]) -> dict[Place, set[str]]:
    """For each directory to look at and its rules, the files to tell about; none of them means all.

    A directory that holds whole targets stands for these; files of one target are judged together.
    """
    whole: dict[Place, set[str]] = {}
    files: defaultdict[Place, set[str]] = defaultdict(set)
    for path in paths:
        below = _below(base, path)
        owners = [target for target in targets if Path(below).is_relative_to(target.path)]
        if not os.path.isdir(base / below) or os.path.islink(base / below):  # noqa: PTH112, PTH114 - they raise nothing
            for owner in owners or [targets[0]._replace(path=str(Path(below).parent))]:
                files[owner].add(below)
            continue
        held = [target for target in targets if Path(target.path).is_relative_to(below)]
        rules = [target._replace(path=below) for target in owners or targets[:1]]
        whole |= {key: set() for key in held or rules}
    return {key: file for key, file in files.items() if key not in whole} | whole


def _below(base: Path, path: Path) -> str:
    """The path as git would name it. Raises ConfigurationError when it lies elsewhere."""
    place = Path.cwd() / path
    try:
        place.lstat()
    except OSError as error:
        raise ConfigurationError(f"{path}: {str(error.strerror).lower()}") from None
    absolute = place.parent.resolve() / place.name if place.name not in ("", "..") else place.resolve()
    if not absolute.is_relative_to(base.resolve()):
        raise ConfigurationError(f"{path}: lies outside {base}")
    return absolute.relative_to(base.resolve()).as_posix()


def _committed(settings: Configuration, target: str | None, revision: str, *, whole: bool) -> Checked:
    total = NOTHING
    with closing(source_of(settings)) as source:
        commit = source.resolve(revision)
        for name in settings.chosen(target):
            section = settings.settings.targets[name]
            snapshot = source.snapshot(commit, section.path)
            if not snapshot.exists:
                raise SourceError(
                    f"commit {commit[:12]} has no directory {section.path}{snapshot.instead} "
                    f"(target {name}): commit a first manifest there; `reconciler init` writes one"
                )
            rules = edition(section.edition, strict_config=section.strict_config)
            total += check(snapshot, source, rules, budgets=budgets_of(settings), whole=whole)
    return total
