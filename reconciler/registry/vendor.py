"""What ModelArts, and whatever speaks its document, means by a request, a detail and a status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.contract import comparable, lifecycle, status_of
from reconciler.contract.canonical import canonical, field
from reconciler.contract.detail import adoptable
from reconciler.engine.values import Stage
from reconciler.engine.vendor import FieldComparison, FieldState, Vendor
from reconciler.registry.codes import known_code

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

NEW = "publishing"
"""The status of a model from the moment its import was answered (section 5 of the API reference)."""

_SHOWN_AS = {"initial_config": "config"}
"""Fields that a detail shows under another name (section 3 of the API reference)."""

_ABOUT_PROJECT = {"ModelArts.0204", "ModelArts.0206", "ModelArts.0210"}


def side_by_side(
    request: Mapping[str, Any], detail: Mapping[str, Any], fields: Iterable[str]
) -> tuple[FieldComparison, ...]:
    """A request beside the detail of a registered model, field by field, with what can be said of each.

    Every field that is declared, in the request's order, then those that are only registered.

    Args:
        request: what the manifest declares; empty for nothing.
        detail: the vendor's detail of the registered model; empty for none.
        fields: the names of the request's fields in the target's edition.
    """
    declared = canonical(request)
    ours, theirs = comparable(request, detail)
    shown = {name: _shown(name, detail) for name in fields if name not in declared}
    return (
        *(_declared(name, declared, ours, theirs, detail) for name in request if name in declared),
        *(_undeclared(name, value, theirs) for name, value in _filled(shown)),
    )


def _declared(
    name: str,
    declared: Mapping[str, Any],
    ours: Mapping[str, Any],
    theirs: Mapping[str, Any],
    detail: Mapping[str, Any],
) -> FieldComparison:
    if name not in theirs:
        state = FieldState.NOT_COMPARED if detail else FieldState.NOT_REGISTERED
        return FieldComparison(name, declared[name], _shown(name, detail), state)
    state = FieldState.EQUAL if ours[name] == theirs[name] else FieldState.DIFFERS
    return FieldComparison(name, ours[name], theirs[name], state)


def _undeclared(name: str, value: object, theirs: Mapping[str, Any]) -> FieldComparison:
    state = FieldState.DIFFERS if name in theirs else FieldState.NOT_DECLARED
    return FieldComparison(name, None, value, state)


def _shown(name: str, detail: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    """What the detail says of a field, in canonical form; None for nothing."""
    raw = detail.get(name, detail.get(_SHOWN_AS.get(name, name)))
    return None if raw is None else field(name, raw)


def _filled(shown: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Those that say something."""
    for name, value in shown.items():
        if value not in (None, "", [], {}):
            yield name, value


MODELARTS = Vendor(
    lambda status: Stage(lifecycle(status)),
    status_of,
    comparable,
    side_by_side,
    adoptable,
    is_about_project=lambda code: known_code(code) in _ABOUT_PROJECT,
    elsewhere="in the project's other workspaces, under another spelling (upper and lower case), and among "
    "models that are being deleted",
    failed="the model's events name the cause, and the console of ModelArts shows them",
    listing="modelarts:model:list",
)
