"""The contract room: the vendor's import API as types and rules, by edition.

Documents and requests come in, problems, requests, digests and comparable sides go out. Pure: no file but
those that name the versions of libraries, no network, no clock. Loading this package is cheap; an edition is
loaded by `edition`, and pydantic where a document has something wrong with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.lazy import attributes

if TYPE_CHECKING:
    from reconciler.contract.canonical import digest
    from reconciler.contract.catalogue import DEFAULT_EDITION, EDITIONS, edition
    from reconciler.contract.detail import comparable
    from reconciler.contract.editions.edition import Edition, Parsed
    from reconciler.contract.json_values import UnquotedScalar
    from reconciler.contract.model_key import FreeVersions, ModelKey, version_key
    from reconciler.contract.problem import Problem
    from reconciler.contract.rules_identity import rules_version
    from reconciler.contract.status import lifecycle, status_of

__all__ = [
    "DEFAULT_EDITION", "EDITIONS", "Edition", "FreeVersions", "ModelKey", "Parsed", "Problem",
    "UnquotedScalar", "comparable", "digest", "edition", "lifecycle", "rules_version", "status_of",
    "version_key",
]  # fmt: skip

_NAMES = {
    "canonical": ("digest",),
    "catalogue": ("DEFAULT_EDITION", "EDITIONS", "edition"),
    "detail": ("comparable",),
    "editions.edition": ("Edition", "Parsed"),
    "model_key": ("FreeVersions", "ModelKey", "version_key"),
    "json_values": ("UnquotedScalar",),
    "problem": ("Problem",),
    "rules_identity": ("rules_version",),
    "status": ("lifecycle", "status_of"),
}  # fmt: skip

__getattr__ = attributes(__name__, _NAMES)
