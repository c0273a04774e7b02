"""Manifests: from the bytes of a file to what it declares, or to every problem with file, line and column.

    path, mode, size ─is_manifest, refuse─▶ read it, or why not
    bytes, an edition's rules ─read─▶ Manifest | InvalidManifest, one for each document

In come bytes and the rules of one edition of the API; out go immutable values. Nothing here does I/O: a file
that a manifest refers to is asked for by its path. Nothing here knows git, a registry or a verdict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.lazy import attributes

if TYPE_CHECKING:
    from reconciler.manifest.file_filter import is_manifest, refuse
    from reconciler.manifest.reading import read
    from reconciler.manifest.text import caret
    from reconciler.manifest.values import InvalidManifest, Manifest, Reason, Rules

__all__ = ["InvalidManifest", "Manifest", "Reason", "Rules", "caret", "is_manifest", "read", "refuse"]

_NAMES = {
    "file_filter": ("is_manifest", "refuse"),
    "reading": ("read",),
    "text": ("caret",),
    "values": ("InvalidManifest", "Manifest", "Reason", "Rules"),
}  # fmt: skip

__getattr__ = attributes(__name__, _NAMES)
