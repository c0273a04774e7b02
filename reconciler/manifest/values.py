"""What reading a manifest gives: a Manifest, or what is wrong with it and where."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from reconciler.budgets import DEFAULTS, shortened
from reconciler.phrases import many

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.contract import Edition
    from reconciler.contract.model_key import ModelKey
    from reconciler.contract.problem import Severity

Rules: TypeAlias = "Edition"
"""What manifests are read by."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is as it is: a problem with its place in a file, or a fact about a model.

    Attributes:
        code: stable kebab-case word for machines.
        message: one line for people.
        path: file inside the repository, or None where no file is concerned.
        line, column: 1-based, or None.
        severity: `error` or `warning`.
        excerpt: the text of that line, for the caret; None where there is none.
    """

    code: str
    message: str
    path: str | None = None
    line: int | None = None
    column: int | None = None
    severity: Severity = "error"
    excerpt: str | None = None


_NOT_READ_TO_THE_END = frozenset(
    (
        "syntax", "merge-conflict", "too-many-documents", "too-many-nodes", "too-deep", "file-too-large",
        "not-utf-8", "control-character", "link", "unsafe-path", "path-too-long", "over-budget",
    )
)  # fmt: skip
"""What is said of a file of which nobody knows all that it declares."""

_REFUSED = frozenset({"link", "unsafe-path", "ambiguous-path", "file-too-large", "path-too-long"})
"""What is said of a file that is not even read."""

MORE = "more-problems"
"""The code of what stands in the place of problems that are only counted."""

_MEMBERS = tuple(member.name for member in fields(Reason))


def row_of(reason: Reason) -> list[Any]:
    """A reason as JSON keeps it: its values in the order of its members."""
    return [getattr(reason, name) for name in _MEMBERS]


def reason_of(row: Sequence[Any]) -> Reason:
    """The reason that `row_of` made this of. Raises ValueError or TypeError for anything else."""
    return Reason(**dict(zip(_MEMBERS, row, strict=True)))


class ReasonLimits(NamedTuple):
    """How much is told of what is wrong with one file.

    Attributes:
        problems: of the whole file, but of each document one at least; the others are counted.
        longest: characters of one message.
    """

    problems: int = DEFAULTS.file_faults
    longest: int = DEFAULTS.reason


def in_order(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Each reason once, errors first, then by place."""
    return tuple(
        sorted(
            dict.fromkeys(reasons), key=lambda one: (one.severity != "error", one.line or 0, one.column or 0)
        )
    )


def trimmed(reasons: tuple[Reason, ...], most: int, longest: int) -> tuple[Reason, ...]:
    """The first reasons, one at least, and the number of the others.

    Of a message there are no more than `longest` characters.
    """
    kept = max(most, 1)
    short = tuple(
        one if len(one.message) <= longest else replace(one, message=shortened(one.message, longest))
        for one in reasons[:kept]
    )
    if len(reasons) <= kept:
        return short
    last = short[-1]
    more = f"and {many(len(reasons) - kept, 'more problem')}; correct these first"
    return *short, Reason(MORE, more, last.path, last.line, last.column, last.severity)


@dataclass(frozen=True, slots=True)
class Manifest:
    """One valid document of a manifest file.

    Attributes:
        pair: the model name and version it declares.
        request: the import request as it will be sent, field for field, in the manifest's own order.
        digest: hex SHA-256 of the request in canonical form; equal meaning gives an equal digest.
        path: file inside the repository.
        line: 1-based line where the document begins.
        warnings: what the rules say that does not stop an import.
        metadata: the local `metadata` block; never sent and not in the digest.
    """

    pair: ModelKey
    request: Mapping[str, Any]
    digest: str
    path: str
    line: int
    warnings: tuple[Reason, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InvalidManifest:
    """One document, or a whole file, that cannot be used.

    Attributes:
        path: file inside the repository.
        line: 1-based line where the document begins; 1 for a whole file.
        model_name, model_version: what could be read of the pair, else None.
        reasons: at least one with severity `error`.
    """

    path: str
    line: int
    reasons: tuple[Reason, ...]
    model_name: str | None = None
    model_version: str | None = None

    @property
    def may_declare_anything(self) -> bool:
        """Whether nobody can know which models it declares, nor say of any that it is declared nowhere."""
        named = self.model_name is not None and self.model_version is not None
        return not named and any(reason.code in _NOT_READ_TO_THE_END for reason in self.reasons)

    @property
    def is_refused(self) -> bool:
        """Whether the file was not even read."""
        return any(reason.code in _REFUSED for reason in self.reasons)

    @property
    def shown(self) -> str:
        """Its path as it is shown: that of a refused file is as safe and as short as its reason has it."""
        return self.reasons[0].path or self.path if self.is_refused else self.path


def reasons_of(result: Manifest | InvalidManifest) -> tuple[Reason, ...]:
    """The warnings of a document, or its problems."""
    return result.reasons if isinstance(result, InvalidManifest) else result.warnings


def with_reasons(
    result: Manifest | InvalidManifest, reasons: tuple[Reason, ...]
) -> Manifest | InvalidManifest:
    """The same document with other warnings, or other problems."""
    if isinstance(result, InvalidManifest):
        return replace(result, reasons=reasons)
    return replace(result, warnings=reasons)


def moved_result(result: Manifest | InvalidManifest, path: str) -> Manifest | InvalidManifest:
    """What the same content says at another path, where it names no file beside it."""
    reasons = tuple(
        Reason(one.code, one.message, path, one.line, one.column, one.severity, one.excerpt)
        for one in reasons_of(result)
    )
    if isinstance(result, InvalidManifest):
        return InvalidManifest(path, result.line, reasons, result.model_name, result.model_version)
    return replace(result, path=path, warnings=reasons)
