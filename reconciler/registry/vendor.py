"""ModelArts, and whatever speaks its document: what it means, as values of the engine. Pure.

What a request, a detail and a status mean is in `MODELARTS`; answers are read tolerantly, never guessed at.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from reconciler.contract import comparable, lifecycle, status_of
from reconciler.contract.canonical import canonical, field
from reconciler.contract.detail import adoptable
from reconciler.contract.model_key import ModelKey
from reconciler.engine.values import ObservedModel, Stage
from reconciler.engine.vendor import FieldComparison, FieldState, Vendor
from reconciler.phrases import many
from reconciler.registry.codes import known_code
from reconciler.registry.exchange import load

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.registry.exchange import Response

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
    rows = []
    for name in [name for name in request if name in declared]:
        if name in theirs:
            state = FieldState.EQUAL if ours[name] == theirs[name] else FieldState.DIFFERS
            rows.append(FieldComparison(name, ours[name], theirs[name], state))
        else:
            state = FieldState.NOT_COMPARED if detail else FieldState.NOT_REGISTERED
            rows.append(FieldComparison(name, declared[name], _shown(name, detail), state))
    for name in fields:
        value = None if name in declared else _shown(name, detail)
        if value not in (None, "", [], {}):
            state = FieldState.DIFFERS if name in theirs else FieldState.NOT_DECLARED
            rows.append(FieldComparison(name, None, value, state))
    return tuple(rows)


def _shown(name: str, detail: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    """What the detail says of a field, in canonical form; None for nothing."""
    raw = detail.get(name, detail.get(_SHOWN_AS.get(name, name)))
    return None if raw is None else field(name, raw)


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


# --- answers -------------------------------------------------------------------------------------------

_MODEL_ID = re.compile(r"(?!\.{1,2}$)[0-9A-Za-z._:~-]{1,128}")
_USUAL_TYPES = ("application/json", "application/xml", "text/html", "text/plain", "text/xml")


class InvalidResponse(ValueError):  # noqa: N818 - reads as what happened
    """An answer that is not the JSON this call gives; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class ModelPage:
    """One page of a list.

    Attributes:
        models: the usable items.
        unusable: a fingerprint of each other item, so that it is told once.
        total: `total_count`, which is not to be trusted; None where it is no number.
    """

    models: tuple[ObservedModel, ...]
    unusable: tuple[str, ...] = ()
    total: int | None = None

    @property
    def length(self) -> int:
        """How many items the server sent."""
        return len(self.models) + len(self.unusable)


def is_model_id(text: str) -> bool:
    """Whether a text can stand in a path as a model's id."""
    return _MODEL_ID.fullmatch(text) is not None


def json_object(answer: Response) -> dict[str, Any]:
    """The JSON object of an answer. Raises InvalidResponse."""
    try:
        document = load(answer.body)
    except ValueError:
        kind = answer.headers.get("content-type", "").partition(";")[0].strip()
        shown = kind if kind in _USUAL_TYPES else "of another type"
        size = many(len(answer.body), "byte")
        raise InvalidResponse(f"the answer is not JSON (it is {shown}, {size})") from None
    if not isinstance(document, dict):
        raise InvalidResponse(f"the answer is a JSON {_kind(document)}, not an object")
    return document


def page(answer: Response) -> ModelPage:
    """The page that a list call answered.

    Raises:
        InvalidResponse: there is no list of models in it.
    """
    document = json_object(answer)
    if "models" not in document and "error_code" in document:
        raise InvalidResponse("the answer is an error in place of a list of models")
    items = document.get("models")
    if items is None and document.get("count") == 0:
        items = []
    if not isinstance(items, list):
        raise InvalidResponse(f"`models` is a JSON {_kind(items)}, not an array")
    read = [observed(item) for item in items]
    return ModelPage(
        models=tuple([model for model in read if model is not None]),
        unusable=tuple(
            [_fingerprint(item) for item, model in zip(items, read, strict=True) if model is None]
        ),
        total=_whole(document.get("total_count")),
    )


def observed(item: object) -> ObservedModel | None:
    """One list item as the engine sees it; None where name or version are missing or not text.

    One without a usable id is there all the same, and must not be imported again: it gets an id that no
    registry gives, of which no detail can be asked for.
    """
    if not isinstance(item, dict):
        return None
    model_id, name, version = item.get("model_id"), item.get("model_name"), item.get("model_version")
    if not (isinstance(name, str) and isinstance(version, str) and name and version):
        return None
    if not (isinstance(model_id, str) and is_model_id(model_id)):
        model_id = f"?{_fingerprint(item)[:12]}"
    word = item.get("model_status")
    status, stage = _status(word if isinstance(word, str) else "")
    return ObservedModel(model_id, ModelKey(name, version), status, _whole(item.get("create_at")), stage)


@lru_cache(maxsize=256)  # every model has one of a few
def _status(word: str) -> tuple[str | None, Stage]:
    status = word.strip() or None
    return status, MODELARTS.stage(status)


def created_id(answer: Response) -> str:
    """The id in the answer to an import. Raises InvalidResponse."""
    model_id = json_object(answer).get("model_id")
    if not isinstance(model_id, str) or not is_model_id(model_id):
        raise InvalidResponse("the answer names no usable model_id")
    return model_id


def refused_deletion(answer: Response, model_id: str) -> Mapping[str, Any] | None:
    """The row of `delete_failed_list` about this model; None where the deletion was not refused.

    Raises:
        InvalidResponse: the answer is not that of a deletion.
    """
    if not answer.body.strip():
        return None
    failed = json_object(answer).get("delete_failed_list") or []
    if not isinstance(failed, list):
        raise InvalidResponse(f"`delete_failed_list` is a JSON {_kind(failed)}, not an array")
    rows = [row if isinstance(row, dict) else {} for row in failed]
    about = [row for row in rows if row.get("model_id", model_id) == model_id]
    return about[0] if about else None


def _fingerprint(item: object) -> str:
    return sha256(json.dumps(item, sort_keys=True).encode()).hexdigest()


def _whole(value: object) -> int | None:
    if type(value) is int:
        return value
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value):
        return int(value)
    return int(value) if isinstance(value, float) and value.is_integer() else None


def _kind(value: object) -> str:
    kinds = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
    return kinds.get(type(value), "number")
