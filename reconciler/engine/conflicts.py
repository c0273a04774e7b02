"""Why manifests that claim one pair are in conflict, in a plan and in `validate`. Pure."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from reconciler.manifest import Reason

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.values import ManifestRef

_CLAIMS = 10
"""Manifests that claim one pair and are named."""


def conflict_reasons(
    pair: ModelKey, claims: Sequence[ManifestRef], only: Collection[str] = ()
) -> tuple[Reason, ...]:
    """One reason for each manifest that claims a pair which others claim too; for the first of very many.

    With `only`, those are the first that stand in these files.
    """
    named = claims[:_CLAIMS]
    places = ", ".join(f"{claim.path}:{claim.line}" for claim in named)
    more = f" and {len(claims) - _CLAIMS:,} more" if len(claims) > _CLAIMS else ""
    return tuple(
        Reason(
            "conflict",
            f"{pair} is declared {len(claims)} times ({places}{more}): "
            "keep one, and give the others versions of their own",
            claim.path,
            claim.line,
        )
        for claim in islice((claim for claim in claims if not only or claim.path in only), _CLAIMS)
    )
