"""The environment as tables: `RECONCILER_TABLE__KEY=value` says what `[table] key = value` says in the file.

Names count without regard to case. A value is text; where a table or a list belongs, it is JSON. A variable
for a whole table comes first, and those for single keys of it after.
"""

from __future__ import annotations

import json
from functools import reduce
from typing import TYPE_CHECKING, Any, get_args, get_origin

from pydantic import BaseModel

from reconciler.errors import ConfigurationError
from reconciler.phrases import nearest
from reconciler.settings.errors import key_paths, short
from reconciler.settings.raw import PREFIX, steps_of
from reconciler.settings.tables import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def from_environ(environment: Mapping[str, str]) -> dict[str, Any]:
    """What the environment says, as a file would have said it.

    Args:
        environment: the variables that are settings (see `reconciler.settings.raw`).

    Raises:
        ConfigurationError: variables that no setting has, or that another one contradicts: they would be
            passed over in silence; or those for a whole table that are not JSON. Each is told, one a line.
        RecursionError: a value is nested too deeply.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    for name in sorted(environment, key=lambda name: len(steps_of(name))):
        steps = steps_of(name)
        try:
            _require_setting(name, steps, values)
            value = _value(name, steps, environment[name])
        except ConfigurationError as error:
            problems.append(str(error))
        else:
            values = merged(values, reduce(lambda inner, step: {step: inner}, reversed(steps), value))
    if problems:
        raise ConfigurationError("\n".join(problems))
    return values


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """One table of two: key by key, what `over` says wins."""
    both = {
        key: merged(under[key], value)
        for key, value in over.items()
        if isinstance(value, dict) and isinstance(under.get(key), dict)
    }
    return {**under, **over, **both}


def _require_setting(name: str, steps: Sequence[str], values: Mapping[str, Any]) -> None:
    """Refuses a variable that no setting has, or that another one contradicts. Raises ConfigurationError."""
    if steps[0] in Settings.model_fields:
        if not isinstance(reduce(_inside, steps[:-1], values), dict):
            raise ConfigurationError(
                f"environment {short(name)}: another variable says this is no table of keys"
            )
        return
    paths = [path for path in key_paths() if path[:-1] != ("notify",)]  # a list is set as a whole
    meant = nearest("__".join(steps), ["config", *map("__".join, paths)])
    hint = f"; did you mean {PREFIX}{meant.upper()}?" if meant else ""
    raise ConfigurationError(
        f"environment: {short(name)}: no such setting{hint}; one is written {PREFIX}TABLE__KEY, or "
        f"{PREFIX}TARGETS__NAME__KEY, and tables are {', '.join(Settings.model_fields)}"
    )


def _inside(table: Any, key: str) -> Any:  # noqa: ANN401 - a value may be anything
    return table.get(key, {}) if isinstance(table, dict) else None


def _value(name: str, steps: Sequence[str], text: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    if not _takes_more_than_text(reduce(_below, steps, Settings)):
        return text
    try:
        return json.loads(text)
    except ValueError:
        if len(steps) > 1:
            return text
        raise ConfigurationError(
            f"environment {name}: expected a table of keys, written as JSON; "
            f"a single key is set with {name}__KEY"
        ) from None


def _below(kind: Any, key: str) -> Any:  # noqa: ANN401
    """The type of what lies at a key of such a value; None when there is no such key."""
    if get_origin(kind) is dict:
        return get_args(kind)[1]
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = kind.model_fields.get(key)
        return field and field.annotation
    return next((model for part in get_args(kind) if (model := _below(part, key))), None)


def _takes_more_than_text(kind: Any) -> bool:  # noqa: ANN401
    """Whether a table or a list may stand there."""
    if get_origin(kind) in (dict, tuple):
        return True
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return True
    return any(map(_takes_more_than_text, get_args(kind)))
