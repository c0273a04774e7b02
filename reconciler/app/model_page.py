"""Everything that is known of one model: git, state and, where it can be had at once, the registry."""

from __future__ import annotations

import posixpath
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from reconciler.app.repository import source_of
from reconciler.contract import FreeVersions, version_key
from reconciler.contract.model_key import ModelKey
from reconciler.engine.history import model_changes
from reconciler.engine.last_report import refreshed
from reconciler.engine.values import CommitInfo, Event, EventKind, File, ModelState, Report
from reconciler.errors import ReconcilerError
from reconciler.manifest.reading import sections
from reconciler.manifest.text import LARGEST_FILE
from reconciler.views import history
from reconciler.views.masked import item_without_addresses, masked_lines, without_address
from reconciler.views.pages import ManifestLine, ManifestText, ModelFacts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.app.session import Session
    from reconciler.engine.manifest_parser import ManifestParser
    from reconciler.engine.target import Target
    from reconciler.manifest import Reason
    from reconciler.source import GitSource

_MOST_LINES = 400
_MOST_EVENTS = 10_000  # of one model, on all pages of its timeline; `history` tells all
_FULL_FILE = 60  # lines; a longer one is cut to the document


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """What git and state know of a model, and what it takes to ask its registry.

    Attributes:
        request: what the manifest declares; empty where it is not valid.
        model_id: what it is registered as; None where it is not.
    """

    facts: ModelFacts
    request: Mapping[str, Any]
    model_id: str | None


def model_record(
    commit: str, target: str, name: str, version: str | None, shown: Shown
) -> ModelRecord | None:
    """What is known of a model, or None where nothing is.

    `commit` is the one that was reconciled last, empty for none. Without a version it is about all of them.
    Raises StateError.
    """
    session = shown.session
    chosen = next((one for one in session.engine.targets if one.name == target), None)
    if chosen is None:
        return None
    pair = ModelKey(name, version) if version else None
    events = session.ledger.events(target, pair, name=name)
    of_name = shown.items(session.ledger.verdicts.of_name(target, name))
    versions = _versions(of_name, {key.model_version for key in session.ledger.versions(target, [name])})
    if not of_name and not events and not versions:
        return None
    items = tuple(item for item in of_name if version in (None, item.model_version))
    if version and not items and not events:
        return None
    facts = ModelFacts(target, name, version, items, versions, _next_free(versions))
    if pair is not None:
        others = [one.name for one in session.engine.targets if one is not chosen]
        facts = replace(facts, elsewhere=_elsewhere(others, pair, shown))
    return _with_git(chosen, commit, facts, events, shown)


@dataclass(frozen=True, slots=True)
class Shown:
    """How things are made fit for the reader.

    Attributes:
        session: whose ledger knows what became of a verdict since.
        emails: whether the addresses of authors are shown.
    """

    session: Session
    emails: bool

    def items(self, items: tuple[ModelState, ...]) -> tuple[ModelState, ...]:
        """The verdicts, as they are by now."""
        targets = [target.name for target in self.session.engine.targets]
        report = refreshed(Report("", "", items), self.session.ledger, targets).items
        return report if self.emails else tuple(map(item_without_addresses, report))

    def events(self, events: Sequence[Event]) -> Sequence[Event]:
        """The events; those that say who vouched for a commit without the addresses of signers."""
        return [
            replace(event, detail=self.author(event.detail))
            if event.kind is EventKind.IMPORT_REQUESTED
            else event
            for event in events
        ]

    def author(self, author: str | None) -> str | None:
        """An author, without the address where that is not shown."""
        return author if self.emails or author is None else without_address(author)

    def commit_info(self, made: CommitInfo) -> CommitInfo:
        """A commit's author likewise."""
        return made._replace(author=self.author(made.author) or "")


def _versions(items: Iterable[ModelState], registered: set[str]) -> tuple[tuple[str, ModelState | None], ...]:
    by_version: dict[str, ModelState | None] = dict.fromkeys(registered)
    by_version |= {item.model_version: item for item in items if item.model_version is not None}
    return tuple((one, by_version[one]) for one in sorted(by_version, key=version_key, reverse=True))


def _next_free(versions: Sequence[tuple[str, ModelState | None]]) -> str | None:
    taken = [version for version, _ in versions]
    numbered = [version for version in taken if version_key(version)[0] == 0]
    return FreeVersions(taken).after(numbered[0]) if numbered else None


def _elsewhere(targets: Iterable[str], pair: ModelKey, shown: Shown) -> tuple[ModelState, ...]:
    verdicts = shown.session.ledger.verdicts
    states = [item for target in targets for item in verdicts.of_name(target, pair.model_name)]
    return shown.items(tuple(item for item in states if item.pair == pair))


def _with_git(
    target: Target, commit: str, facts: ModelFacts, events: Sequence[Event], shown: Shown
) -> ModelRecord:
    """The same with what git tells; without it where git cannot be read."""
    path = next((item.path for item in facts.items if item.path), None)
    request: Mapping[str, Any] = {}
    manifest: ManifestText | None = None
    rows: tuple[history.HistoryRow, ...] = ()
    notes = []
    recent = shown.events(events[-_MOST_EVENTS:])
    if len(recent) < len(events):
        note = f"Of {len(events)} events the newest {len(recent)} are shown"
        notes.append(f"{note}; `reconciler history` tells all.")
    try:
        with closing(source_of(shown.session.configuration)) as source:
            if path is not None and commit and facts.version is not None:
                manifest, request = _manifest(source, target.parser, commit, path, facts)
            rows = _timeline(source, target, commit, facts, recent, shown)
    except ReconcilerError as error:
        notes.append(f"Git could not be read: {error}")
        rows = history.rows([], recent)
    rows = tuple(row._replace(author=shown.author(row.author)) for row in rows)
    model_id = next((item.model_id for item in facts.items if item.model_id), None)
    facts = replace(facts, manifest=manifest, timeline=rows, notes=tuple(notes))
    return ModelRecord(facts, request, model_id)


def _manifest(
    source: GitSource, parser: ManifestParser, commit: str, path: str, facts: ModelFacts
) -> tuple[ManifestText | None, Mapping[str, Any]]:
    """The manifest as it was committed, and the request that it makes where it is valid."""

    def find_file(name: str) -> File | None:
        return source.files(commit, [name]).get(name)

    file = find_file(path)
    if file is None or not file.mode.startswith("100") or file.size > LARGEST_FILE:
        return None, {}
    ((_, data),) = source.read([file.blob])
    whole = [one for _, manifests in parser.again().read(source, [file], find_file) for one in manifests]
    request = next((one.request for one in whole if one.pair == (facts.name, facts.version)), {})
    reasons = [reason for item in facts.items for reason in item.reasons if reason.path == path]
    line = next((item.line for item in facts.items if item.path == path and item.line), 1)
    return _text(path, commit, data, line, reasons), request


def _text(path: str, commit: str, data: bytes, line: int, reasons: Iterable[Reason]) -> ManifestText:
    """The document that begins near this line, or the whole of a short file, with what is wrong in place."""
    lines = list(masked_lines(data.decode(errors="replace").splitlines())) or [""]
    begin, end = 1, len(lines)
    if end > _FULL_FILE:
        starts = [1, *(section.line for section in sections(path, data)[1:])]
        begin = max((start for start in starts if start <= line), default=1)
        end = min((start - 1 for start in starts if start > line), default=end)
    by_line: dict[int, list[Reason]] = {}
    for reason in reasons:
        by_line.setdefault(reason.line or begin, []).append(reason)
    last = min(end, begin + _MOST_LINES - 1)
    shown = tuple(
        ManifestLine(number, lines[number - 1], tuple(by_line.get(number, ())))
        for number in range(begin, last + 1)
    )
    return ManifestText(path, commit, shown, end - last)


def _timeline(  # noqa: PLR0913, PLR0917 - what is joined
    source: GitSource,
    target: Target,
    commit: str,
    facts: ModelFacts,
    events: Sequence[Event],
    shown: Shown,
) -> tuple[history.HistoryRow, ...]:
    """Commits joined with the journal, in the files in which the model is known to have stood."""
    paths = {item.path for item in facts.items if item.path} | {event.path for event in events if event.path}
    root = posixpath.join(target.path, "")
    inside = sorted(path for path in paths if path.startswith(root) or root == "/")
    if not commit or not inside:
        return history.rows([], events)
    models = []
    with source.graph(commit, inside, whole=True) as graph:
        for pair, changes in model_changes(graph, source, target.path, facts.name, facts.version).items():
            made = [change._replace(commit_info=shown.commit_info(change.commit_info)) for change in changes]
            models.append(history.Declaration(target.name, pair, made))
        named: dict[str, CommitInfo] = {}
        for one in {event.commit for event in events if event.commit}:
            logged = graph.get(one)
            if logged is not None:
                named[one] = shown.commit_info(logged.commit_info)
    return history.rows(models, events, named)
