"""A model: from the bytes of an import call, judged by the edition's rules, to its row and its status.

The rules are the contract room's; here they get the vendor's codes. Which code answers which field is
documented only for some; the rest follow the message templates of the code table (3036 names a missing
parameter, 3037 an invalid one).

The status of a model is never stored: it follows from its times, its outcome and the clock, so that an
import goes on while the registry is down. `STATUS` is the one place that says how.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from operator import attrgetter
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from reconciler.contract.json_values import read_json
from reconciler.contract.model_key import version_number
from reconciler.contract.rules import text_at
from reconciler.embedded import answers
from reconciler.embedded.answers import Code, VendorError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.contract import Edition, Problem
    from reconciler.embedded.router import Principal
    from reconciler.embedded.settings import EmbeddedSettings, FieldCodes


STATUS = """CASE
  WHEN :now < built_at THEN 'building'
  WHEN outcome = 'building_failed' THEN outcome
  WHEN :now < settled_at THEN 'publishing'
  ELSE outcome
END"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One registered model, column for column (see the database's schema for units)."""

    model_id: str
    project_id: str
    workspace_id: str
    model_name: str
    model_version: str
    version_rank: int
    model_type: str
    model_size: int
    description: str
    source_type: str
    source_copy: str | None
    install_type: str | None
    owner: str
    tenant: str
    created_at: int
    built_at: int | None
    settled_at: int
    outcome: str
    outcome_reason: str | None
    request_id: str
    request: str


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model with the status it has now."""

    model: Model
    status: str


_NAMES = tuple(field.name for field in fields(Model))
_COLUMNS = ", ".join(_NAMES)
_INSERT = f"INSERT INTO models ({_COLUMNS}) VALUES ({', '.join('?' * len(_NAMES))})"  # noqa: S608 - own names
_SELECT = f"SELECT {_COLUMNS}, {STATUS} FROM models WHERE model_id = :model_id AND project_id = :project_id"  # noqa: S608

_values = attrgetter(*_NAMES)


def insert(connection: sqlite3.Connection, models: Iterable[Model]) -> None:
    """Adds rows, inside a transaction. Raises sqlite3.Error when that fails."""
    connection.executemany(_INSERT, map(_values, models))


def select(connection: sqlite3.Connection, conditions: Mapping[str, object]) -> StoredModel | None:
    """The row with this `model_id` and `project_id`, as it stands at `now` (milliseconds since the epoch)."""
    row = connection.execute(_SELECT, conditions).fetchone()
    if row is None:
        return None
    *columns, status = row
    return StoredModel(Model(**dict(zip(_NAMES, columns, strict=True))), status)


def matches(model_name: str, pattern: str | None) -> bool:
    """Whether a shell-style pattern is given and the name is one of those it means."""
    return pattern is not None and fnmatchcase(model_name, pattern)


_GENERAL: Mapping[FieldCodes, Code] = {
    "0101": answers.BAD_ARGUMENT,
    "0104": answers.BAD_PARAMETER,
    "0107": answers.BAD_VALUES,
}


def read_request(body: bytes, rules: Edition, settings: EmbeddedSettings) -> dict[str, Any]:
    """The request in the body of an import call.

    Raises:
        VendorError: it is not JSON, or the rules refuse it; the message names every fault.
    """
    request = _parse(body)
    faults = [p for p in rules.judge(request, strict=settings.strict) if p.severity == "error"]
    if faults:
        raise VendorError(_code(faults[0], settings), "; ".join(problem.message for problem in faults))
    for code, why in _left_open(request, settings):
        raise VendorError(code, why)
    return request


def general_code(settings: EmbeddedSettings) -> Code:
    """The code for values that no code of their own exists for."""
    return _GENERAL.get(settings.field_codes, answers.BAD_VALUES)


def _left_open(request: Mapping[str, Any], settings: EmbeddedSettings) -> Iterator[tuple[Code, str]]:
    """What is refused only where the settings say so, because the documents do not."""
    if settings.zero_version == "refused" and request["model_version"] == "0.0.0":
        yield _by_field(answers.INVALID, settings), "model_version: 0.0.0 is no version here"
    if settings.strict and isinstance(request.get("source_copy"), bool):
        yield _by_field(answers.INVALID, settings), "source_copy: must be the text true or false"
    if settings.content_errors == "at-once" and (why := contradiction(request)):
        yield answers.BAD_CONFIG, why


def _parse(body: bytes) -> dict[str, Any]:
    """The body as a JSON object that can be stored and given back: no NaN, no lone surrogates."""
    try:
        request = read_json(body.decode())
        json.dumps(request, ensure_ascii=False, allow_nan=False).encode()
    except ValueError as error:
        raise VendorError(answers.NOT_JSON, f"the body is not JSON in UTF-8: {error}") from error
    if not isinstance(request, dict):
        raise VendorError(
            answers.NOT_JSON, "the body is JSON, but not an object with the fields of the request"
        )
    return request


def _code(problem: Problem, settings: EmbeddedSettings) -> Code:
    if problem.loc == ("model_type",) and problem.code == "not-in-enumeration":
        return (
            answers.UNSUPPORTED_TYPE if settings.type_code == "3053" else _by_field(answers.INVALID, settings)
        )
    code = _own_code(problem)
    return _by_field(code, settings) if code in (answers.MISSING, answers.INVALID) else code


def _by_field(code: Code, settings: EmbeddedSettings) -> Code:
    return _GENERAL.get(settings.field_codes, code)


def _own_code(problem: Problem) -> Code:
    code = answers.MISSING if problem.code == "missing-field" else answers.INVALID
    match problem.loc, problem.code:
        case ("initial_config", *_), "unknown-field":
            code = answers.UNKNOWN_CONFIG_KEY
        case ("initial_config", *_), _:
            code = answers.BAD_CONFIG
        case (*_, "restraint"), _:
            code = answers.BAD_RESTRAINT
        case ("template",), "missing-field":
            code = answers.NO_TEMPLATE
        case ("template", "template_id"), "missing-field":
            code = answers.NO_TEMPLATE_ID
        case ("template", *_), "duplicate":
            code = answers.DUPLICATE_INPUT
        case ("source_location",), other if other != "missing-field":
            code = answers.BAD_SOURCE
    return code


def arrive(  # noqa: PLR0913 - a request, who sent it where, and the rules it arrives under
    request: Mapping[str, Any],
    body: bytes,
    *,
    project_id: str,
    caller: Principal,
    request_id: str,
    settings: EmbeddedSettings,
    defaults: Mapping[str, object],
) -> Model:
    """The row of a request that was accepted; its bytes are stored as they came.

    The registry's clock is read once; `defaults` are what the edition fills in for absent fields.
    """
    now = _milliseconds(settings.clock())
    wait = _milliseconds(settings.publish_seconds)
    chooses = request["model_type"] == "Image" and "source_copy" in defaults  # whether an image is built
    builds = chooses and str(request.get("source_copy") or defaults["source_copy"]).lower() == "true"
    outcome, reason = _outcome(request, settings.fail_pattern, builds=builds)
    install_type = "install_type" in defaults and (request.get("install_type") or defaults["install_type"])
    return Model(
        model_id=str(uuid4()),
        project_id=project_id,
        workspace_id=text_at(request, "workspace_id") or "0",
        model_name=request["model_name"],
        model_version=request["model_version"],
        version_rank=version_number(request["model_version"]) or 0,
        model_type=request["model_type"],
        model_size=0,
        description=text_at(request, "description"),
        source_type=text_at(request, "source_type"),
        source_copy=str(builds).lower() if chooses else None,
        install_type=json.dumps(install_type) if isinstance(install_type, list | tuple) else None,
        owner=caller.user_id,
        tenant=caller.domain_id,
        created_at=now,
        built_at=now + wait // 2 if builds else None,
        settled_at=now + wait,
        outcome=outcome,
        outcome_reason=reason,
        request_id=request_id,
        request=body.decode(),
    )


def configuration(request: Mapping[str, Any]) -> dict[str, Any]:
    """The `initial_config` of a request as a mapping; empty when it has none."""
    given = request.get("initial_config")
    if isinstance(given, str) and given.strip():
        given = json.loads(given)
    return given if isinstance(given, dict) else {}


def contradiction(request: Mapping[str, Any]) -> str | None:
    """What in a request cannot go together, by the events of the vendor's console; None for nothing."""
    config = configuration(request)
    is_image = request["model_type"] == "Image"
    if is_image and (request.get("dependencies") or config.get("dependencies")):
        return "dependencies cannot be given for a custom image"
    if not is_image and config.get("swr_location"):
        return "only a model of type Image may have swr_location"
    return None


def _outcome(request: Mapping[str, Any], fail_pattern: str | None, *, builds: bool) -> tuple[str, str | None]:
    """How an import ends, and why it fails.

    The documented content errors appear only after the call was answered (events of the console).
    """
    if matches(request["model_name"], fail_pattern):
        outcome = "building_failed" if builds else "failed"
        return outcome, f"the registry was told to fail models named {fail_pattern}"
    why = contradiction(request)
    return ("failed", why) if why else ("published", None)


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
