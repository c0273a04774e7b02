"""How much a manifest may hold. Far above anything a model needs, far below anything that hurts."""

from __future__ import annotations

from typing import NamedTuple

from reconciler.budgets import DEFAULTS

LARGEST_FILE = 256 * 1024
"""Bytes of one file."""

DEEPEST = 32
"""Mappings and lists inside each other; the document itself is the first."""

MOST_NODES = 20_000
"""Keys, values, mappings and lists of one file together."""

MOST_DOCUMENTS = 100
"""YAML documents of one file, empty ones included."""


class ReasonLimits(NamedTuple):
    """How much is told of what is wrong with one file.

    Attributes:
        problems: of the whole file, but of each document one at least; the others are counted.
        longest: characters of one message.
    """

    problems: int = DEFAULTS.file_faults
    longest: int = DEFAULTS.reason
