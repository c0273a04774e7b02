"""The contract room: the vendor's import API as types and rules, by edition.

Documents and requests come in, problems, requests, digests and comparable sides go out. Pure: no file but
those that name the versions of libraries, no network, no clock. Loading this package is cheap; an edition,
and pydantic with it, is loaded by `edition`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.contract.canonical import digest
from reconciler.contract.catalogue import DEFAULT_EDITION, EDITIONS, edition
from reconciler.contract.drift import comparable
from reconciler.contract.model_key import FreeVersions, ModelKey, version_key
from reconciler.contract.problem import Problem
from reconciler.contract.scalar import UnquotedScalar
from reconciler.contract.status import Lifecycle, lifecycle, status_of

if TYPE_CHECKING:
    from reconciler.contract.editions.edition import Edition, Parsed

    rules_version: str
    """Changes whenever the same bytes might be read otherwise; made when it is first asked for."""

__all__ = [
    "DEFAULT_EDITION",
    "EDITIONS",
    "Edition",
    "FreeVersions",
    "Lifecycle",
    "ModelKey",
    "Parsed",
    "Problem",
    "UnquotedScalar",
    "comparable",
    "digest",
    "edition",
    "lifecycle",
    "rules_version",
    "status_of",
    "version_key",
]


def __getattr__(name: str) -> object:
    if name in ("Edition", "Parsed"):
        from reconciler.contract.editions import edition as module  # noqa: PLC0415 - loads pydantic

        return getattr(module, name)
    if name == "rules_version":
        from reconciler.contract import rules_identity  # noqa: PLC0415 - few ask for it

        return rules_identity.rules_version()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
