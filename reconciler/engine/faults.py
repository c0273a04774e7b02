"""How much is told of what is wrong with one target's manifests: the first problems, and a number. Pure."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from reconciler.engine.values import ModelState, Verdict
from reconciler.manifest import Reason
from reconciler.manifest.values import MORE
from reconciler.phrases import many

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


def within(faulty: Sequence[ModelState], most: int) -> list[ModelState]:
    """These items, in order, as long as they have no more than `most` reasons; one item counts the others.

    Whatever was left out is in conflict or invalid: nothing is imported of it, and it is told once it is
    among the first.
    """
    count = 0
    for number, item in enumerate(faulty):
        count += len(item.reasons)
        if count > most and number:
            return [*faulty[:number], _counted(faulty[number:])]
    return list(faulty)


def are_counted(items: Sequence[ModelState]) -> bool:
    """Whether some of these stand for others that are only counted."""
    return any(item.reasons and item.reasons[0].code == MORE for item in items)


def _counted(rest: Sequence[ModelState]) -> ModelState:
    problems = sum(len(item.reasons) for item in rest)
    message = (
        f"and {many(problems, 'more problem')} of {many(len(rest), 'manifest')} from here on: correct "
        "the first ones, or raise limits.faults"
    )
    place = rest[0].path
    return ModelState(rest[0].target, Verdict.INVALID, path=place, reasons=(Reason(MORE, message, place),))
