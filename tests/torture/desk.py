"""Somebody who commits all the time, to a real repository, without a process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.engine.worlds import text
from tests.git_repository import GitRepository
from tests.torture.hostile.objects import Entry, ObjectStore

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random


@dataclass
class Desk:
    """Somebody who commits: new models, changes, deletions, broken files, another history."""

    path: Path
    files: dict[str, str] = field(default_factory=dict)
    head: str | None = None
    commits: int = 0

    def __post_init__(self) -> None:
        GitRepository(self.path)
        self.store = ObjectStore(self.path / ".git")

    def work(self, dice: Random) -> None:
        """One commit."""
        for _ in range(dice.randint(1, 4)):
            self._touch(dice)
        entries = [Entry(b"100644", p.encode(), self.store.blob(t.encode())) for p, t in self.files.items()]
        tree = self.store.tree([Entry(b"40000", b"models.d", self.store.tree(entries))])
        self.commits += 1
        parents = [self.head] if self.head is not None and dice.random() > 0.02 else []
        self.head = self.store.commit(tree, parents, message=f"Change {self.commits}\n".encode())
        self.store.point("refs/heads/main", self.head)

    def _touch(self, dice: Random) -> None:
        name, version = f"m{dice.randrange(30)}", f"1.0.{dice.randrange(2)}"
        path, deed = f"{name}-{version}.yaml", dice.random()
        if deed < 0.2:
            self.files.pop(path, None)
        elif deed < 0.25:
            self.files[path] = "model_name: ["
        else:
            self.files[path] = text(name, version, dice.choice(("as declared", "as declared", "otherwise")))
