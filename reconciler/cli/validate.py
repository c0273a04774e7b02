"""`validate`: every problem of every manifest, of the work tree or of a commit; no network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli.options import (
    ConfigOption,
    Output,
    OutputOption,
    QuietOption,
    TargetOption,
    VerboseOption,
)
from reconciler.cli.terminal import colour, configuration, put, put_json, tell
from reconciler.errors import ConfigurationError, Exit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.engine.check import Checked
    from reconciler.settings import Configuration


def validate(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATH]...", help="Files or directories; by default every target's."),
    ] = None,
    commit: Annotated[
        str | None, typer.Option("--commit", metavar="REVISION", help="Check a commit, not the work tree.")
    ] = None,
    config: ConfigOption = None,
    target: TargetOption = None,
    output: OutputOption = Output.TEXT,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,  # noqa: ARG001 - every command takes it
) -> None:
    """Checks manifests. Without --commit, those of the work tree, committed or not."""
    settings = configuration(config)
    checked = _committed(settings, target, commit) if commit else _on_disk(settings, target, paths or [])
    if commit and paths:
        raise ConfigurationError("--commit checks whole targets: leave the paths out")
    _show(checked, output, quiet=quiet)
    raise typer.Exit(int(Exit.HUMAN if checked.errors else Exit.WELL))


def _on_disk(settings: Configuration, target: str | None, paths: list[Path]) -> Checked:
    from reconciler.contract import edition  # noqa: PLC0415
    from reconciler.engine.check import NOTHING, check  # noqa: PLC0415
    from reconciler.source.worktree import WorkTree  # noqa: PLC0415

    tree = WorkTree(settings.base)
    total = NOTHING
    for path, root, rules in _wanted(settings, target, paths):
        whole = (settings.base / path).is_dir()
        snapshot = tree.snapshot(path) if whole else tree.around(path, root)
        total += check(snapshot, tree, edition(rules), () if whole else {path})
    return total


def _wanted(settings: Configuration, target: str | None, paths: list[Path]) -> Iterator[tuple[str, str, str]]:
    """What to check: a path below the base, the root of its target, and the target's edition."""
    targets = [settings.settings.targets[name] for name in settings.chosen(target)]
    if not paths:
        yield from dict.fromkeys((t.path, t.path, t.edition) for t in targets)
    for path in paths:
        below = _below(settings.base, path)
        owners = [t for t in targets if Path(below).is_relative_to(t.path)]
        if owners:
            yield from dict.fromkeys((below, t.path, t.edition) for t in owners)
        else:
            parent = below if (settings.base / below).is_dir() else str(Path(below).parent)
            yield below, parent, targets[0].edition


def _below(base: Path, path: Path) -> str:
    """The path as git would name it. Raises ConfigurationError when it lies elsewhere."""
    found = Path.cwd() / path
    if not found.exists() and not found.is_symlink():
        raise ConfigurationError(f"{path}: no such file or directory")
    absolute = found.parent.resolve() / found.name
    if not absolute.is_relative_to(base.resolve()):
        raise ConfigurationError(f"{path}: lies outside {base}")
    return absolute.relative_to(base.resolve()).as_posix()


def _committed(settings: Configuration, target: str | None, revision: str) -> Checked:
    from contextlib import closing  # noqa: PLC0415

    from reconciler.app.repository import source_of  # noqa: PLC0415
    from reconciler.contract import edition  # noqa: PLC0415
    from reconciler.engine.check import NOTHING, check  # noqa: PLC0415

    total = NOTHING
    with closing(source_of(settings)) as source:
        commit = source.resolve(revision)
        for name in settings.chosen(target):
            wanted = settings.settings.targets[name]
            total += check(source.snapshot(commit, wanted.path), source, edition(wanted.edition))
    return total


def _show(checked: Checked, output: Output, *, quiet: bool) -> None:
    from reconciler.views import problems  # noqa: PLC0415

    if output is Output.JSON:
        put_json(
            {
                "version": 1,
                "manifests": checked.documents,
                "errors": checked.errors,
                "warnings": checked.warnings,
                "problems": [problems.as_json(reason, severity=True) for reason in checked.reasons],
            }
        )
        return
    put(problems.render(checked.reasons, colour=colour()))
    if not quiet:
        counts = (_many(checked.errors, "error"), _many(checked.warnings, "warning"))
        tell(f"{_many(checked.documents, 'manifest')}: {', '.join(counts)}")


def _many(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
