"""Writes git objects as they lie on disk: also those that no git command makes. No process, no checks."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

PERSON = b"A. Author <author@example.org> 1700000000 +0200"


@dataclass(frozen=True)
class Entry:
    """One entry of a tree.

    Attributes:
        mode: octal, as git writes it: `100644`, `40000`, `120000`, `160000`, or nonsense.
    """

    mode: bytes
    name: bytes
    object_id: str


@dataclass(frozen=True)
class ObjectStore:
    """The objects and refs of one repository whose ids are SHA-1.

    Attributes:
        git_dir: holds `objects` and `refs`.
    """

    git_dir: Path

    def blob(self, content: bytes) -> str:
        """A file's content."""
        return self.write(b"blob", content)

    def tree(self, entries: Iterable[Entry], *, in_order: bool = True) -> str:
        """A folder; in git's order, or in the order given."""
        chosen = sorted(entries, key=_order) if in_order else list(entries)
        rows = (e.mode + b" " + e.name + b"\0" + bytes.fromhex(e.object_id) for e in chosen)
        return self.write(b"tree", b"".join(rows))

    def commit(
        self,
        tree: str,
        parents: Sequence[str] = (),
        *,
        author: bytes = PERSON,
        message: bytes = b"Change\n",
        more: bytes = b"",
    ) -> str:
        """A commit; `more` are further lines of its head."""
        head = [f"tree {tree}\n", *(f"parent {parent}\n" for parent in parents)]
        people = b"author " + author + b"\ncommitter " + author + b"\n"
        return self.write(b"commit", "".join(head).encode() + people + more + b"\n" + message)

    def point(self, ref: str, object_id: str) -> None:
        """Lets a ref name an object."""
        file = self.git_dir / ref
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{object_id}\n")

    def write(self, kind: bytes, content: bytes) -> str:
        """Any object; its id."""
        whole = kind + b" " + str(len(content)).encode() + b"\0" + content
        name = hashlib.sha1(whole, usedforsecurity=False).hexdigest()
        file = self.git_dir / "objects" / name[:2] / name[2:]
        if not file.exists():
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(zlib.compress(whole, 1))
        return name


def _order(entry: Entry) -> bytes:
    return entry.name + (b"/" if entry.mode in (b"40000", b"040000") else b"")
