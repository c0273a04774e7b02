"""What is wrong with a set of manifests, without asking any registry: `validate`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.budgets import DEFAULTS, Budgets
from reconciler.engine.manifest_parser import ManifestParser, conflict_reasons
from reconciler.manifest import Reason
from reconciler.manifest.values import MORE
from reconciler.phrases import many

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.manifest_parser import FileLookup
    from reconciler.engine.ports.git import Blobs
    from reconciler.engine.values import Desired, ManifestRef, Snapshot
    from reconciler.manifest import InvalidManifest, Manifest, Rules


@dataclass(frozen=True, slots=True)
class Checked:
    """The result.

    Attributes:
        places: the documents that were looked at, by path and line.
        reasons: every problem, sorted by place.
        notes: what was not looked at, for a person.
    """

    places: frozenset[tuple[str, int]]
    reasons: tuple[Reason, ...]
    manifests: tuple[Manifest, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def documents(self) -> int:
        """How many documents were looked at."""
        return len(self.places)

    @property
    def errors(self) -> int:
        """Problems that stop an import."""
        return sum(reason.severity == "error" for reason in self.reasons)

    @property
    def warnings(self) -> int:
        """Problems that do not."""
        return len(self.reasons) - self.errors

    def __add__(self, other: Checked) -> Checked:
        manifests = {(one.path, one.line): one for one in (*self.manifests, *other.manifests)}
        notes = tuple(dict.fromkeys((*self.notes, *other.notes)))
        merged = Checked(self.places | other.places, self.reasons, tuple(manifests.values()), notes)
        return merged.also(other.reasons)

    def also(self, reasons: Iterable[Reason]) -> Checked:
        """The same with more problems."""
        merged = dict.fromkeys((*self.reasons, *reasons))
        return replace(self, reasons=tuple(sorted(merged, key=_place)))


def first(reasons: Sequence[Reason], most: int) -> tuple[Reason, ...]:
    """As many problems as are told, and the number of the others."""
    if len(reasons) <= most:
        return tuple(reasons)
    more = f"and {many(len(reasons) - most, 'more problem')}: correct these first, or raise limits.faults"
    return *reasons[:most], Reason(MORE, more)


def counted(checked: Checked) -> str:
    """`2 manifests: 1 error, 0 warnings`."""
    counts = (many(checked.errors, "error"), many(checked.warnings, "warning"))
    return f"{many(checked.documents, 'manifest')}: {', '.join(counts)}"


NOTHING = Checked(frozenset(), ())


def check(  # noqa: PLR0913 - what is checked, and what it takes
    snapshot: Snapshot,
    blobs: Blobs,
    rules: Rules,
    only: Collection[str] = (),
    budgets: Budgets = DEFAULTS,
    *,
    find_file: FileLookup | None = None,
    whole: bool = False,
) -> Checked:
    """Judges every manifest of a snapshot; with `only`, tells about these paths alone.

    `find_file` finds the files that manifests name, by default in the snapshot. `whole` gives the valid
    manifests too, which takes much memory where there are very many. Raises BudgetError.
    """
    valid: dict[ModelKey, Manifest] = {}

    def keep(manifest: Manifest) -> None:
        if not only or manifest.path in only:
            valid[manifest.pair] = manifest

    parser = ManifestParser(rules, snapshot.path, budgets)
    desired = parser.snapshot(blobs, snapshot, find_file, keep if whole else None)
    reasons = dict.fromkeys(
        reason for path, reason in _reasons(desired, only) if not only or path in only or reason.path in only
    )
    manifests = tuple(manifest for pair, manifest in valid.items() if pair in desired.manifests)
    return Checked(_places(desired, only), tuple(sorted(reasons, key=_place)), manifests)


def _reasons(desired: Desired, only: Collection[str]) -> Iterator[tuple[str, Reason]]:
    """Every problem with the manifest that has it; it may stand in a file that the manifest names."""
    for manifest in desired.manifests.values():
        yield from ((manifest.path, warning) for warning in manifest.warnings)
    for document in desired.invalid:
        yield from ((document.path, reason) for reason in document.reasons)
    for pair, refs in desired.conflicts.items():
        yield from ((str(reason.path), reason) for reason in conflict_reasons(pair, refs, only))
        yield from ((ref.path, warning) for ref in refs for warning in ref.warnings)


def _places(desired: Desired, only: Collection[str]) -> frozenset[tuple[str, int]]:
    documents: list[ManifestRef | InvalidManifest] = [
        *desired.manifests.values(),
        *(ref for refs in desired.conflicts.values() for ref in refs),
        *desired.invalid,
    ]
    return frozenset((one.path, one.line) for one in documents if not only or one.path in only)


def _place(reason: Reason) -> tuple[str, int, int, str]:
    return reason.path or "", reason.line or 0, reason.column or 0, reason.code
