"""What is declared, and what is registered."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.contract.model_key import ModelKey
    from reconciler.manifest.values import InvalidManifest, Reason


class ManifestRef(NamedTuple):
    """One valid document, as far as a plan needs it; a hundred thousand of them are kept at a time.

    Attributes:
        digest: of the import request, see `reconciler.manifest.Manifest`.
        line: 1-based line where the document begins.
    """

    pair: ModelKey
    digest: str
    path: str
    line: int
    warnings: tuple[Reason, ...] = ()


class LastCommit(NamedTuple):
    """Who gave a document the content it has: a commit id, and its author as `Name <email>`."""

    commit: str
    author: str


class ParsedFile(NamedTuple):
    """What one manifest file says.

    Attributes:
        blob: the file's object id.
        config_files: the files it names as its configuration, each with its object id, or None if it is
            absent; with them changes what the file says.
        last_commits: by line, who gave each of its documents the content it has, as far as it is known.
    """

    path: str
    blob: str
    declarations: tuple[ManifestRef, ...] = ()
    invalid: tuple[InvalidManifest, ...] = ()
    config_files: tuple[tuple[str, str | None], ...] = ()
    last_commits: tuple[tuple[int, LastCommit], ...] = ()

    @property
    def results(self) -> int:
        """How many documents declare something, or fail to."""
        return len(self.declarations) + len(self.invalid)


class Desired(NamedTuple):
    """What one target's manifests say at one commit, of all pairs or of some.

    Attributes:
        manifests: pairs that exactly one valid document declares.
        conflicts: pairs that several valid documents declare, in order of path and line.
    """

    manifests: Mapping[ModelKey, ManifestRef]
    conflicts: Mapping[ModelKey, tuple[ManifestRef, ...]] = MappingProxyType({})
    invalid: tuple[InvalidManifest, ...] = ()


class Stage(StrEnum):
    """How far an import is that was made; each vendor's statuses mean one of these."""

    PENDING = "pending"  # not final
    PUBLISHED = "published"
    FAILED = "failed"


FINAL = frozenset({Stage.PUBLISHED, Stage.FAILED})
"""An import at one of these changes no more by itself."""


class ObservedModel(NamedTuple):
    """One row of a registry's list.

    Attributes:
        status: the vendor's word, such as `publishing`; None where the list leaves it out.
        created_at: milliseconds since the epoch, or None.
    """

    model_id: str
    pair: ModelKey
    status: str | None = None
    created_at: int | None = None
    stage: Stage = Stage.PENDING


class Created(NamedTuple):
    """The registry's answer to an import that was made.

    Attributes:
        status: the vendor's word for what has just been made.
    """

    model_id: str
    request_id: str | None = None
    status: str | None = None
    stage: Stage = Stage.PENDING


def list_digest(models: Iterable[ObservedModel]) -> str:
    """Differs when any model, its pair or its status differs; the order given does not matter."""
    lines = sorted(repr((model.model_id, *model.pair, model.status)) for model in models)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()
