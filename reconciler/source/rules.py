"""What makes a commit trusted, and where the keys are that tell."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from reconciler.errors import ConfigurationError
from reconciler.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """Where the keys are; absolute paths, all outside the repository.

    Attributes:
        allowed_signers: ssh keys.
        revoked_signers: ssh keys that count for nothing: a KRL, or public keys, one a line.
        gpg_keyring: OpenPGP keys.
    """

    allowed_signers: Path | None = None
    revoked_signers: Path | None = None
    gpg_keyring: Path | None = None

    @property
    def given(self) -> dict[str, Path]:
        """Those that are configured, by the names of their settings."""
        named = {name: getattr(self, name) for name in ("allowed_signers", "revoked_signers", "gpg_keyring")}
        return {name: file for name, file in named.items() if file is not None}

    @property
    def kinds(self) -> str:
        """Which keys a signature may be made with, in words."""
        ssh, pgp = self.allowed_signers is not None, self.gpg_keyring is not None
        return "an ssh or OpenPGP key" if ssh and pgp else "an ssh key" if ssh else "an OpenPGP key"

    def stamp(self) -> tuple[tuple[int, int, int], ...]:
        """Another one whenever a file is another. Raises ConfigurationError."""
        states = [_asked(name, file, Path.stat) for name, file in self.given.items()]
        return tuple((s.st_ino, s.st_size, s.st_mtime_ns) for s in states)

    def fingerprint(self) -> str:
        """Names what the files say: 32 hex digits. Raises ConfigurationError."""
        contents = {name: _asked(name, file, Path.read_bytes) for name, file in self.given.items()}
        facts = [f"{name} {hashlib.sha256(content).hexdigest()}" for name, content in contents.items()]
        return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class TrustRules:
    """What makes a commit trusted.

    Attributes:
        mode: `head` judges the newest commit alone, which answers for all that it contains; `range` every
            commit since the last good one, merges included.
        files: where the keys are.
        authors: by pattern of a path, patterns of the signers who may change it; the first that fits counts.
        since: the commit up to which all is trusted.
        on_failure: `hold` goes on with the last good commit, `refuse` with none.
    """

    mode: Literal["head", "range"]
    files: KeyFiles
    authors: Mapping[str, Sequence[str]] = field(default_factory=dict)
    since: str | None = None
    on_failure: Literal["hold", "refuse"] = "hold"

    def may_change(self, path: str, identities: Sequence[str]) -> bool:
        """Whether the signer who goes by these names may change this file."""
        for pattern, signers in self.authors.items():
            if fnmatchcase(path, pattern):
                return any(fnmatchcase(name, one) for name in identities for one in signers)
        return True


def _asked(name: str, file: Path, ask: Callable[[Path], T]) -> T:
    """What a file is asked for. Raises ConfigurationError where it cannot be read."""
    try:
        return ask(file)
    except OSError as error:
        where = printable(str(file))
        raise ConfigurationError(f"source.verify.{name}: {where} cannot be read: {error.strerror}") from error
