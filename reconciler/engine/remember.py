"""What a cycle leaves to the next one: the report, the verdicts, the index, and what its process keeps.

`verify_index` compares the index with git: its files with git's own listing, and what some of them say with
what they say when they are read again. Of the history that the index has, the number of commits is compared,
and what some of them did. Every file's object id is compared each time. Reading all of a hundred thousand
files would take as long as a start with nothing, so each check reads some of them, beginning anywhere.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import TYPE_CHECKING

from reconciler.engine.graph import Logged, generation_of
from reconciler.engine.history import model_changes, whole_history
from reconciler.engine.last_commits import find_last_commits
from reconciler.engine.last_report import dated
from reconciler.engine.planner_input import PlannerInput
from reconciler.engine.reasons import are_counted
from reconciler.engine.scope import COMPARED, OBSERVED_IN_FULL, VERDICTS_BASIS, verdicts_basis
from reconciler.engine.target_run import REPOSITORY, Cycle, TargetRun
from reconciler.engine.values import AT_REST, Desired, IdleMark, ModelState, Report, Verdict
from reconciler.engine.values.models import list_digest
from reconciler.errors import BudgetError, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.manifest_parser import ManifestParser
    from reconciler.engine.ports.git import Index, KeptHistory, Source
    from reconciler.engine.target import Target
    from reconciler.engine.values import ParsedFile


_ANY = "any"  # in the place of the commit: not every verdict is remembered, so that all are given anew


def without_inputs(runs: Sequence[TargetRun]) -> list[TargetRun]:
    """The runs without their inputs, which take as much memory as the verdicts where these are very many."""
    return [
        run
        if run.is_of_few
        else replace(run, inputs=PlannerInput(run.target.name, Desired({}), run.inputs.now))
        for run in runs
    ]


def judged_since(cycle: Cycle, runs: Sequence[TargetRun]) -> list[TargetRun]:
    """The runs with the moment since when each verdict stands."""
    now = cycle.clock.now() if cycle.options.act else None
    return [
        replace(run, items=dated(run.items, cycle.states.since(run.target.name, run.scope), now))
        for run in runs
    ]


def report_of(cycle: Cycle, digest: str, runs: Sequence[TargetRun], notes: tuple[str, ...]) -> Report:
    """What the cycle came to."""
    items = chain(*(run.items for run in sorted(runs, key=lambda run: run.target.name)))
    failures = tuple(run.failure for run in runs if run.failure is not None)
    return Report(cycle.commit, digest, tuple(items), failures, notes)


def with_unlisted(cycle: Cycle, report: Report, runs: Sequence[TargetRun]) -> Report:
    """The report with the number of the models that were not judged, by what is remembered of them."""
    partial = {run.target.name for run in runs if run.scope is not None or not run.is_judged}
    if not partial:
        return report
    listed = report.counted()
    numbers = {key: number - listed[key] for key, number in cycle.states.counted().items()}
    unlisted = {key: number for key, number in numbers.items() if key[0] in partial and number > 0}
    return replace(report, unlisted=unlisted)


async def remember(
    cycle: Cycle, report: Report, runs: Sequence[TargetRun], history_marks: Mapping[str, str]
) -> int:
    """Keeps the verdicts, and after them the index; how many of its files a check found wrong."""
    judged = [run for run in runs if run.is_judged]
    marks = {mark: value for run in judged for mark, value in _marks(run, report.commit).items()}
    is_excessive = any(run.declared.excess is not None for run in runs)  # not the commit reconciled then
    if not is_excessive and not any(item.verdict is Verdict.REFUSED for item in report.items):
        marks |= {(REPOSITORY, name): value for name, value in history_marks.items()}
    epochs = {run.target.name: run.executor.recorder.epoch for run in runs}
    # the marks in the transaction of the report: a mark without its verdicts would hide changed models
    cycle.reports.save_report(report, {run.target.name: run.scope for run in judged}, marks, epochs)
    wrong = 0
    for run in judged:
        # after the verdicts: an index at a newer commit than they are of would hide what changed between
        await cycle.git(run.declared.save, run.target.history)
        if run.verifies_index:
            wrong += await _verify_index(cycle, run.target)
    return wrong


def _marks(run: TargetRun, commit: str) -> dict[tuple[str, str], str]:
    name, now = run.target.name, run.inputs.now.isoformat()
    marks = {(name, VERDICTS_BASIS): verdicts_basis(run.target, _ANY if are_counted(run.items) else commit)}
    if run.full:
        marks[name, OBSERVED_IN_FULL] = now
    if run.compared:
        marks[name, COMPARED] = now
    return marks


async def _verify_index(cycle: Cycle, target: Target) -> int:
    """Compares the index with git; one that is wrong is made again by the next cycle."""
    wrong = await cycle.git(verify_index, cycle.source, target, cycle.clock.chance())
    if wrong:
        await cycle.git(target.index.save, None, {}, whole=True)
    else:
        await cycle.git(keep_history, cycle.source, target)
    return wrong


@dataclass(frozen=True, slots=True)
class LastCycle:
    """What a cycle leaves to the next one of its process beside what is stored; a new one begins without.

    Attributes:
        began: when it began, UTC; before the first one, when the process did.
        look_again: a cycle looks again by then, although nothing that can be noticed will have changed.
        moving: by target, the pairs whose verdict may change by itself.
        lists: by target, the digest of the list that its registry has after the cycle, as far as it is known.
        parsed: how many manifest files this process has read.
        disagreements: how many files of the index its checks found wrong; anything but 0 is a mistake of this
            program.
    """

    began: datetime
    look_again: datetime | None = None
    moving: Mapping[str, frozenset[ModelKey]] = field(default_factory=dict)
    lists: Mapping[str, str] = field(default_factory=dict)
    parsed: int = 0
    disagreements: int = 0


def last_cycle(before: LastCycle, cycle: Cycle, runs: Sequence[TargetRun], wrong: int = 0) -> LastCycle:
    """What is left after a cycle, in which a check of the index found so many files wrong.

    One that only planned moved no model, and says nothing of the registry's list.
    """
    last = replace(
        before,
        began=cycle.due_times.began,
        look_again=min((run.look_again for run in runs if run.look_again), default=None),
        parsed=before.parsed + sum(run.declared.parsed for run in runs),
    )
    if not cycle.options.act:
        return last
    judged = [run for run in runs if run.is_judged]
    lists = {run.target.name: _registry_list_digest(run.inputs, run.items) for run in judged if run.is_of_few}
    return replace(
        last,
        moving=dict(before.moving) | {run.target.name: run.moving() for run in judged},
        lists={name: digest for name, digest in lists.items() if digest is not None},
        disagreements=before.disagreements + wrong,
    )


def idle_mark(
    report: Report, targets: Iterable[Target], last: LastCycle, due: datetime | None, position: int
) -> IdleMark | None:
    """That nothing is left to do after the cycle that made this report; None when something is.

    Of a target with few models the list belongs to it, which is looked at each time (see
    `Target.judge_all_below`); with notes in the report there is no mark, so that the next cycle shows them
    again.

    Args:
        report: of a cycle over these targets.
        targets: those that this process leads, or all.
        last: what the cycle left.
        due: the earliest moment at which a cycle has something to do although git did not change.
        position: of the journal after the cycle.
    """
    numbers, sizes = Counter[Verdict](), Counter[str]()
    for (target, verdict), number in report.counted().items():
        numbers[verdict] += number
        sizes[target] += number
    few = {target.name for target in targets if sizes[target.name] < target.judge_all_below}
    if not few <= last.lists.keys() or (few and report.notes):
        return None
    if report.failures or due is None or not AT_REST.issuperset(numbers):
        return None
    looked_at = {name: last.lists[name] for name in few}
    return IdleMark(last.began, due, report.commit, report.digest, position, numbers, looked_at)


def _registry_list_digest(inputs: PlannerInput, items: Iterable[ModelState]) -> str | None:
    """The digest of the list that a cycle saw; None where what the cycle did has made it another."""
    models = [model for several in inputs.observed.values() for model in several]
    status = {model.model_id: model.status for model in models}
    for item in items:
        if item.model_id is not None and status.get(item.model_id, "") not in (None, item.model_status):
            return None
    return list_digest(models)


FILES_CHECKED = 1000
"""Files whose content one check reads."""

_LAST_COMMITS_CHECKED = 50  # the log is walked until each of them is found
_COMMITS_CHECKED = 200  # commits


def verify_index(source: Source, target: Target, chance: float) -> int:
    """How many files of the target's index are wrong, of those that were checked: 0 without a mistake.

    `chance`, in [0, 1), says where in the listing to begin reading. Raises SourceError.
    """
    commit = target.index.base()
    if commit is None:
        return 0
    try:
        wrong = _wrong_files(source, target.index, target.parser, commit, chance)
        return wrong or _wrong_history(source, target.history, commit, target.path, chance)
    except BudgetError:  # the next cycle that looks at everything tells of it
        return 0


def _wrong_files(source: Source, index: Index, parser: ManifestParser, commit: str, chance: float) -> int:
    """How many files of this commit's index are wrong, of those that were checked."""
    files = {file.path: file for file in source.snapshot(commit, parser.root).files}
    by_path = {path: file for path, file in files.items() if parser.concerns(file)}
    blobs = {parsed_file.path: parsed_file.blob for parsed_file in index.parsed_files()}
    wrong = {path for path, file in by_path.items() if blobs.get(path) != file.blob}
    wrong |= blobs.keys() - by_path.keys()
    paths = sorted(by_path.keys() - wrong)
    start = int(chance * len(paths))
    some = list(islice((*paths[start:], *paths[:start]), FILES_CHECKED))
    indexed = {parsed_file.path: parsed_file for parsed_file in index.parsed_files(some)}
    for parsed_file, _ in parser.again().read(source, (files[path] for path in some), files.get):
        if _outline(indexed[parsed_file.path]) != _outline(parsed_file):
            wrong.add(parsed_file.path)
    few = [indexed[path] for path in some[:_LAST_COMMITS_CHECKED]]
    if few:
        with source.graph(commit, [parsed_file.path for parsed_file in few]) as graph:
            made = find_last_commits(graph, source, few).by_file
        if graph.cut is None:
            wrong |= {r.path for r in few if r.last_commits != tuple(sorted(made.get(r.path, {}).items()))}
    return len(wrong)


def _outline(parsed_file: ParsedFile) -> ParsedFile:
    """What the file says, with one problem a document: how many were told depends on what else was read."""
    return parsed_file._replace(
        declarations=tuple(one._replace(warnings=one.warnings[:1]) for one in parsed_file.declarations),
        invalid=tuple(replace(one, reasons=one.reasons[:1]) for one in parsed_file.invalid),
        last_commits=(),
    )


def keep_history(source: Source, target: Target) -> None:
    """Keeps the history of the index's commit, if none is kept and it can be known. Raises SourceError."""
    index = target.index
    commit = index.base()
    if commit is None or target.history.base() == commit:
        return
    with suppress(BudgetError):
        update = whole_history(source, target.path, commit, index.parsed_files())
        if update is not None:
            index.save(commit, {}, whole=False, history=update)


def _wrong_history(source: Source, kept: KeptHistory, indexed: str, root: str, chance: float) -> int:
    """How many commits of the history that is kept are wrong, of those that were looked at.

    One where it is of another commit than the files are, or has another number of commits than git.
    """
    commit = kept.base()
    if commit is None:
        return 0
    if commit != indexed or kept.number() != source.number_of_commits(commit):
        return 1
    some = kept.some(f"{int(chance * 2**32):08x}", _COMMITS_CHECKED) or kept.some("", _COMMITS_CHECKED)
    try:
        graph = source.some_commits(some, root)
    except BudgetError:  # with a smaller budget than it was kept with
        return 0
    except SourceError:  # one of them is not there
        return 1
    few = list(_few(graph))
    older = kept.generations({parent for logged in few for parent in logged.parents})
    generation = {logged.commit: generation_of(logged, older) for logged in few}
    asked = model_changes(graph.only(few), source, root, generation=generation)
    now = {(pair, *change) for pair, changes in asked.items() for change in changes}
    before = {(pair, *change) for commit in generation for pair, change in kept.changes(commit=commit)}
    return len({change[2].commit for change in now ^ before})


def _few(graph: Iterable[Logged]) -> Iterator[Logged]:
    """Of these commits, so many that not too many files are read for them."""
    files = 0
    for logged in graph:
        if files + len(logged.deltas) <= FILES_CHECKED:
            files += len(logged.deltas)
            yield logged
