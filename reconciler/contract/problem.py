"""What the rules say about a document: problems are values, never exceptions."""

from __future__ import annotations

from typing import Literal, NamedTuple

Severity = Literal["error", "warning"]
Loc = tuple[str | int, ...]


class Problem(NamedTuple):
    """One thing wrong with one place of a document.

    Attributes:
        code: stable kebab-case word for machines, such as `missing-field`.
        message: one line for people that begins with the field, such as
            `model_version '01.0.0': a part must not start with 0`.
        loc: keys and indices from the document's root to the place.
        severity: a warning never stops an import.
    """

    code: str
    message: str
    loc: Loc = ()
    severity: Severity = "error"
