"""The fields in which two requests differ. Whether there are any is decided by equality, never here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.engine.values import Difference

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


OTHER_CONTENT = "registered with other content"


def differences(declared: Mapping[str, Any], registered: Mapping[str, Any]) -> tuple[Difference, ...]:
    """The values that differ, each at the deepest field that has both sides; sorted by field."""
    from deepdiff import DeepDiff  # noqa: PLC0415 - slow to import, and needed only when something drifted

    tree = DeepDiff(registered, declared, view="tree", verbose_level=2)
    changes = [
        Difference(_field(change.path(output_format="list")), _value(change.t2), _value(change.t1))
        for kind in tree.values()
        for change in kind
    ]
    return tuple(sorted(changes, key=lambda change: change.field))


def fields_of(diff: Iterable[Difference]) -> str:
    """The names of the fields that differ, in one line, as the journal keeps them."""
    return ", ".join(change.field for change in diff)


def _field(steps: Iterable[str | int]) -> str:
    """`apis[0].url`."""
    named = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return "".join(named).removeprefix(".")


def _value(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """A side as it is; deepdiff stands a value of its own where a side has none."""
    return None if repr(value) == "not present" else value
