"""Words for a difference. Whether there is one is decided by equality, never here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_WIDEST = 120


def differences(declared: Mapping[str, Any], registered: Mapping[str, Any]) -> tuple[str, ...]:
    """One line a difference, such as `description: 'new' in git, 'old' in the registry`; sorted."""
    from deepdiff import DeepDiff  # noqa: PLC0415 - slow to import, and needed only when something drifted

    tree = DeepDiff(registered, declared, view="tree", verbose_level=2)
    lines = [_line(change) for changes in tree.values() for change in changes]
    return tuple(sorted(lines))


def _line(change: Any) -> str:  # noqa: ANN401 - deepdiff's tree nodes are untyped
    where = "".join(
        f"[{step}]" if isinstance(step, int) else f".{step}" for step in change.path(output_format="list")
    ).removeprefix(".")
    return f"{where}: {_word(change.t2)} in git, {_word(change.t1)} in the registry"


def _word(value: object) -> str:
    if repr(value) == "not present":
        return "absent"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    short = text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"
    return f"'{short}'" if isinstance(value, str) else short
