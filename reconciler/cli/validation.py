"""Every problem of every manifest, of the work tree or of a commit, shown; no network."""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import closing
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler import __version__
from reconciler.app.repository import budgets_of, source_of
from reconciler.cli.terminal import colour, echo, echo_err, put_commands, put_json, warned
from reconciler.contract import edition
from reconciler.engine.check import NOTHING, Checked, check, counted, first
from reconciler.errors import BudgetError, ConfigurationError, Exit, SourceError
from reconciler.manifest import Reason
from reconciler.phrases import listed, many
from reconciler.source.worktree import work_tree
from reconciler.views import github, markdown, problems, sarif
from reconciler.views.gitlab import code_quality

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from reconciler.settings import Configuration, Target
    from reconciler.source.worktree import WorkTree

    Place = tuple[str, str, bool]
    """A directory, and the edition and strictness that judge what is in it."""

_STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
"""Names the file whose Markdown GitHub shows on the page of a job."""


class ValidateOutput(StrEnum):
    """Forms of output of problems; the last three are read by hosts of repositories."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"
    GITLAB = "gitlab"
    SARIF = "sarif"


def validated(
    config: Path | None,
    target: str | None,
    paths: Sequence[Path],
    *,
    commit: str | None = None,
    preflight: bool = False,
    output: ValidateOutput = ValidateOutput.TEXT,
    quiet: bool = False,
) -> Exit:
    """Checks manifests and shows every problem; gives the exit code.

    Args:
        config: the configuration file that was given by name.
        target: the one target that is meant; None for all.
        paths: files or directories; every target's where there are none.
        commit: the commit to check; None for the work tree.
        preflight: looks at the models' files too.
        output: the form of the output.
        quiet: leaves the notes out.

    Raises:
        ConfigurationError: the configuration or a path cannot be used.
        SourceError: git could not be read.
    """
    if commit is not None and paths:
        raise ConfigurationError("--commit checks whole targets: leave the paths out")
    settings = warned(config)
    checked = _checked(settings, target, paths, commit, whole=preflight)
    if preflight:
        from reconciler.app.inspection import inspected  # noqa: PLC0415 - brings asyncio, a tenth of the start

        checked = inspected(settings, target, checked)
    _show(checked, output, settings.settings.limits.faults, quiet=quiet)
    return Exit.ATTENTION if checked.errors else Exit.OK


def _checked(
    settings: Configuration, target: str | None, paths: Sequence[Path], commit: str | None, *, whole: bool
) -> Checked:
    """What was found, with the valid manifests `whole`; where there is too much to be read, that alone."""
    try:
        if commit is None:
            return _on_disk(settings, target, paths, whole=whole)
        return _committed(settings, target, commit, whole=whole)
    except BudgetError as error:
        return Checked(frozenset(), (Reason("over-budget", str(error)),))


def _on_disk(settings: Configuration, target: str | None, paths: Sequence[Path], *, whole: bool) -> Checked:
    targets = [settings.settings.targets[name] for name in settings.chosen(target)]
    folders = [section.path for section in targets]
    tree = work_tree(settings.settings.source.repo, settings.base, folders, lambda: source_of(settings))
    section = _named(tree.base, targets, paths) if paths else {_place(t): set() for t in targets}
    total, budgets = NOTHING, budgets_of(settings)
    for (root, rules, strict), files in section.items():
        judging = edition(rules, strict_config=strict)
        if files:
            referring = files | tree.referring(files, root)
            snapshot, notes = tree.around(referring, root)
            checked = check(snapshot, tree, judging, referring, budgets, look=tree.look, whole=whole)
            total += replace(checked, notes=notes)
        else:
            total += check(tree.snapshot(root), tree, judging, budgets=budgets, whole=whole)
    return _with_unread(total, tree, section)


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


def _place(target: Target, folder: str | None = None) -> Place:
    """A target's directory and rules; or a directory that is no target's, by the rules of one."""
    return target.path if folder is None else folder, target.edition, target.strict_config


def _named(base: Path, targets: list[Target], paths: Sequence[Path]) -> dict[Place, set[str]]:
    """For each directory to look at and its rules, the files to tell about; none of them means all.

    A directory that holds whole targets stands for these; files of one target are judged together.
    """
    whole: dict[Place, set[str]] = {}
    files: defaultdict[Place, set[str]] = defaultdict(set)
    for path in paths:
        below = _below(base, path)
        owners = [_place(t) for t in targets if Path(below).is_relative_to(t.path)]
        if not os.path.isdir(base / below) or os.path.islink(base / below):  # noqa: PTH112, PTH114 - they raise nothing
            for owner in owners or [_place(targets[0], str(Path(below).parent))]:
                files[owner].add(below)
            continue
        held = [_place(t) for t in targets if Path(t.path).is_relative_to(below)]
        rules = owners or [_place(targets[0])]
        whole |= {key: set() for key in held or [(below, *rule[1:]) for rule in rules]}
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
                    f"commit {commit[:12]} has no directory {section.path} (target {name}): "
                    "commit a first manifest there; `reconciler init` writes one"
                )
            rules = edition(section.edition, strict_config=section.strict_config)
            total += check(snapshot, source, rules, budgets=budgets_of(settings), whole=whole)
    return total


def _show(checked: Checked, output: ValidateOutput, most: int, *, quiet: bool) -> None:
    _FORMS[output](checked, first(checked.reasons, most))
    if not quiet and output is not ValidateOutput.JSON:
        echo_err("\n".join([counted(checked), *(f"note: {note}" for note in checked.notes)]))


def _as_text(_: Checked, reasons: Sequence[Reason]) -> None:
    echo(problems.render(reasons, colour=colour()))


def _as_json(checked: Checked, reasons: Sequence[Reason]) -> None:
    put_json(
        {
            "version": 1,
            "manifests": checked.documents,
            "errors": checked.errors,
            "warnings": checked.warnings,
            "problems": [problems.as_json(reason, severity=True) for reason in reasons],
            "notes": list(checked.notes),
        }
    )


def _for_github(checked: Checked, reasons: Sequence[Reason]) -> None:
    """Annotations to standard output; all problems, as far as they fit, to the summary of the step."""
    put_commands(github.commands(reasons))
    summary = os.environ.get(_STEP_SUMMARY)
    if summary and checked.reasons:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(markdown.problems(checked))
    left_out = len(checked.reasons) - github.MOST_ANNOTATIONS
    if left_out > 0:
        where = "the step's summary has them" if summary else "`reconciler validate` shows them"
        echo_err(f"{many(left_out, 'more problem')} than GitHub shows of one step: {where}")


def _for_gitlab(_: Checked, reasons: Sequence[Reason]) -> None:
    put_json(code_quality(reasons))


def _as_sarif(_: Checked, reasons: Sequence[Reason]) -> None:
    put_json(sarif.log(reasons, __version__))


_FORMS: dict[ValidateOutput, Callable[[Checked, Sequence[Reason]], None]] = {
    ValidateOutput.TEXT: _as_text,
    ValidateOutput.JSON: _as_json,
    ValidateOutput.GITHUB: _for_github,
    ValidateOutput.GITLAB: _for_gitlab,
    ValidateOutput.SARIF: _as_sarif,
}
