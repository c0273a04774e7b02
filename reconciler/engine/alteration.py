"""Whether two commits declare the same of a target, so that the same plan follows from both. Pure.

What is registered, remembered and due plays no part: it moves on by itself, and is the same for both.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable

    from reconciler.engine.values import Desired


def alters(before: Desired, after: Desired) -> bool:
    """Whether a plan of `after` says anything of any model that one of `before` would not.

    Where a document stands, who wrote it and what is never sent (`metadata`) makes no difference.
    """
    return _content(before) != _content(after)


def _content(desired: Desired) -> Counter[Hashable]:
    """What is declared of each pair, and what cannot be used."""
    said: Counter[Any] = Counter((ref.pair, ref.digest) for ref in desired.manifests.values())
    for refs in desired.conflicts.values():
        said.update((ref.pair, ref.digest) for ref in refs)
    for one in desired.invalid:
        reasons = tuple(sorted((reason.code, reason.message) for reason in one.reasons))
        said[one.path, one.model_name, one.model_version, reasons] += 1
    return said
