"""How much a manifest may hold. Far above anything a model needs, far below anything that hurts."""

from __future__ import annotations

LARGEST_FILE = 256 * 1024
"""Bytes of one file."""

DEEPEST = 32
"""Mappings and lists inside each other; the document itself is the first."""

MOST_NODES = 20_000
"""Keys, values, mappings and lists of one file together."""

MOST_DOCUMENTS = 100
"""YAML documents of one file, empty ones included."""

MOST_REASONS = 100
"""Problems told of one document; the rest are counted."""
