"""A repository under attack: it names programs wherever a repository can, and holds good manifests."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.git_repository import GitRepository
from tests.manifest.examples import MINIMAL
from tests.torture.hostile.git_words import COMMANDS, HOOKS, PROGRAM_KEYS, SETTINGS
from tests.torture.hostile.objects import Entry, ObjectStore

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

GOOD = {
    f"good-{number}.yaml".encode(): MINIMAL.replace("mnist", f"good-{number}").encode() for number in range(2)
}


@dataclass
class Den:
    """One repository.

    Attributes:
        program: what leaves a trace when it is started.
    """

    path: Path
    program: str

    def __post_init__(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        repository = GitRepository(self.path)
        self.store = ObjectStore(self.path / ".git")
        self.good = [Entry(b"100644", name, self.store.blob(text)) for name, text in GOOD.items()]
        self.huge = self.store.blob(b"\0" * 40_000_000)
        self.configuration = (self.path / ".git" / "config").read_bytes()
        folder = Entry(b"40000", b"models.d", self.store.tree(self.good))
        repository.git("read-tree", self.store.tree([folder]))
        self.index = (self.path / ".git" / "index").read_bytes()

    def reset(self) -> None:
        """Takes back what a case did outside the object store."""
        git_dir = self.path / ".git"
        (git_dir / "config").write_bytes(self.configuration)
        (git_dir / "HEAD").write_text("ref: refs/heads/main\n")
        (git_dir / "index").write_bytes(self.index)
        for name in ("packed-refs", "shallow", "info/grafts", "commondir", "info/attributes"):
            (git_dir / name).unlink(missing_ok=True)
        shutil.rmtree(git_dir / "refs")
        (git_dir / "refs" / "heads").mkdir(parents=True)

    def arm(self, dice: Random) -> None:
        """A configuration, attributes and hooks that would start a program."""
        lines = []
        for key in dice.sample(PROGRAM_KEYS, dice.randint(0, 9)):
            section, _, rest = key.partition(".")
            sub, _, name = rest.rpartition(".")
            lines.append(
                f"[{section}{f' {chr(34)}{sub}{chr(34)}' if sub else ''}]\n\t{name} = {self.program}\n"
            )
        lines += [f"[alias]\n\t{name} = !{self.program}\n" for name in dice.sample(COMMANDS, 2)]
        for key, value in dice.sample(SETTINGS, dice.randint(0, 3)):
            section, _, name = key.partition(".")
            lines.append(f"[{section}]\n\t{name} = {value}\n")
        git_dir = self.path / ".git"
        (git_dir / "config").write_bytes(self.configuration + "".join(lines).encode())
        (git_dir / "info" / "attributes").write_bytes(b"* diff=evil filter=evil merge=evil text\n")
        for hook in HOOKS:
            with contextlib.suppress(FileExistsError):
                (git_dir / "hooks" / hook).symlink_to(self.program)
        (self.path / "models.d").mkdir(exist_ok=True)
        for file, text in GOOD.items():  # as long as what is committed: git has to look into it
            (self.path / "models.d" / file.decode()).write_bytes(dice.randbytes(len(text)))
