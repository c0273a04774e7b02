"""What one vendor's registries do in their own way, with its own words where a person is told. Pure.

Whether a model drifted is decided by equality; in which fields, is found out only then.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from reconciler.engine.values import Difference, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping


class FieldState(StrEnum):
    """What comparing one field came to."""

    EQUAL = "equal"
    DIFFERS = "differs"
    NOT_COMPARED = "not-compared"  # declared; the registry does not show it, or derives it anew
    NOT_REGISTERED = "not-registered"  # declared; there is no registered model to compare it with
    NOT_DECLARED = "not-declared"  # registered; the manifest leaves it out, or the service filled it in


@dataclass(frozen=True, slots=True)
class FieldComparison:
    """One field of both sides.

    Attributes:
        field: its name in the import request.
        declared: what the manifest says, in canonical form; None where it says nothing.
        registered: what the registry shows, in the same form and reduced to what is compared; None where it
            shows nothing.
    """

    field: str
    declared: Any
    registered: Any
    state: FieldState


@dataclass(frozen=True, slots=True)
class Vendor:
    """What a request, a detail, a status and a refusal mean; no function asks a registry.

    Attributes:
        stage: how far the import is that has this status; an unknown or absent word is still pending.
        status: the status word of a model's detail; None where it has none.
        comparable: a request and a detail, reduced to what can be compared; equal means no drift.
        side_by_side: from a request and a detail, each empty for nothing, and the names of the fields that a
            request may have: every field that is declared, in its order, then those only registered.
        adoptable: of a detail, by the rules of an edition: the request that declares the model, and the
            fields of which the registry does not tell what the import said.
        is_about_project: whether an error's code says that the project is wrong, or not that of the login.
        elsewhere: where a model may be that the registry says exists and does not list; goes on from "look
            for it".
        failed: where the cause of a failed import is told; goes on from "the registry says failed; ".
        listing: what a user has to be granted to list models, by the vendor's name for it.
    """

    stage: Callable[[str | None], Stage]
    status: Callable[[Mapping[str, Any]], str | None]
    comparable: Callable[[Mapping[str, Any], Mapping[str, Any]], tuple[Mapping[str, Any], Mapping[str, Any]]]
    side_by_side: Callable[[Mapping[str, Any], Mapping[str, Any], Iterable[str]], tuple[FieldComparison, ...]]
    adoptable: Callable[[Mapping[str, Any], Any], tuple[Mapping[str, Any], Collection[str]]]
    is_about_project: Callable[[str | None], bool]
    elsewhere: str
    failed: str
    listing: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the detail of one model told.

    Attributes:
        status: the vendor's word; None where the detail leaves it out.
        diff: how it differs from the manifest; empty when it is equal.
        unread: why it could not be compared, in words; None when it was.
    """

    status: str | None = None
    stage: Stage = Stage.PENDING
    diff: tuple[Difference, ...] = ()
    unread: str | None = None


def compare(vendor: Vendor, request: Mapping[str, Any], detail: Mapping[str, Any]) -> Comparison:
    """Compares a manifest's request with the detail of the model that is registered, whatever it holds."""
    status = vendor.status(detail)
    stage = vendor.stage(status)
    try:
        declared, registered = vendor.comparable(request, detail)
        diff = () if declared == registered else differences(declared, registered)
    except Exception as error:  # noqa: BLE001 - a server may send anything; one model's detail is its own matter
        return Comparison(status, stage, unread=f"its detail makes no sense ({type(error).__name__})")
    return Comparison(status, stage, diff)


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
