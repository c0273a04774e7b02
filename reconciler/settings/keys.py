"""The keys of the configuration: which there are, what the environment sets, and what is wrong at one.

`RECONCILER_TABLE__KEY=value` says what `[table] key = value` says in the file. Names count without regard to
case. A value is text; where a table or a list belongs, it is JSON. A variable for a whole table comes first,
and those for single keys of it after. A mistake is told with place, key and what was expected, and never with
the value: it may be secret.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from functools import cache, cached_property, reduce
from typing import TYPE_CHECKING, Any, get_args, get_origin

from pydantic import BaseModel

from reconciler.budgets import shortened
from reconciler.errors import ConfigurationError
from reconciler.phrases import did_you_mean, expectation, nearest
from reconciler.redaction import shown_key
from reconciler.settings.raw import PREFIX, steps_of
from reconciler.settings.tables import Settings
from reconciler.toml_lines import key_lines, placed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from pydantic import ValidationError

    from reconciler.toml_lines import KeyPath

_LONGEST = 80
"""Characters of a name that are repeated."""

NAMED = "NAME"
"""Stands in a path for a key that users choose."""


@cache
def key_paths() -> tuple[tuple[str, ...], ...]:
    """The path of every key of the configuration, once each."""
    return tuple(dict.fromkeys(_paths(Settings, ())))


def _paths(kind: Any, steps: tuple[str, ...]) -> Iterator[tuple[str, ...]]:  # noqa: ANN401 - annotations are untyped
    if get_origin(kind) is dict:
        yield from _paths(get_args(kind)[1], (*steps, NAMED))
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        for key, field in kind.model_fields.items():
            yield (*steps, key)
            yield from _paths(field.annotation, (*steps, key))
    else:
        for part in get_args(kind):
            yield from _paths(part, steps)


# --- where a key is set ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Places:
    """Names the origin of a key; the file is read again only when it is asked about."""

    file: Path | None

    def of(self, keys: Sequence[str | int]) -> str:
        """`environment NAME`, `FILE:LINE`, or `configuration` where neither says anything."""
        if variable := variable_of([str(key) for key in keys]):
            return f"environment {short(variable)}"
        if self.file is None:
            return "configuration"
        return placed(self.file, self._lines, keys)

    @cached_property
    def _lines(self) -> dict[KeyPath, int]:
        return key_lines(self.file) if self.file else {}


def variable_of(keys: Sequence[str]) -> str | None:
    """The variable that says what is at these keys, or is for a table around them, or for a key below."""
    for count in range(len(keys), 0, -1):
        variable = PREFIX + "__".join(keys[:count]).upper()
        for name in os.environ:
            if name.upper() == variable or (count == len(keys) and name.upper().startswith(f"{variable}__")):
                return name
    return None


def short(key: str) -> str:
    """A key or the name of a variable, as far as a person wants to read it."""
    return shortened(shown_key(key), _LONGEST)


# --- what the environment says -----------------------------------------------------------------------


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


# --- what is wrong -----------------------------------------------------------------------------------

_MOST = 50
"""Mistakes told at once."""


def render(error: ValidationError, file: Path | None, targets: Collection[str]) -> str:
    """Every mistake on a line of its own; of very many, the first ones and their number.

    Args:
        error: what pydantic found.
        file: the file that was read; None where there is none.
        targets: the names of those that are configured, rightly or not.
    """
    every = error.errors(include_input=False, include_url=False)
    problems = [problem for problem in every if not _is_consequence(problem, every)]
    places = Places(file)
    lines = [_line(problem, places, targets) for problem in problems[:_MOST]]
    more = [f"and {len(problems) - _MOST} more mistakes; correct these first"] if problems[_MOST:] else []
    return "\n".join(lines + more)


def _is_consequence(problem: Mapping[str, Any], every: Sequence[Mapping[str, Any]]) -> bool:
    """Whether it says that a list is empty, which is so only because all of its values were refused."""
    at = problem["loc"]
    return problem["type"] == "too_short" and any(
        len(other["loc"]) > len(at) and other["loc"][: len(at)] == at for other in every
    )


def _line(problem: Mapping[str, Any], places: Places, targets: Collection[str]) -> str:
    steps = problem["loc"]
    keys = [step for at, step in enumerate(steps) if not _is_tag(steps, at)]
    place = places.of(keys)
    kind = problem["type"]
    if kind.startswith("union_tag"):
        keys.append(str(problem["ctx"]["discriminator"]).strip("'"))
        place = place if kind == "union_tag_not_found" else places.of(keys)
    names = [str(key) for key in keys]
    said = _tag(problem) if kind == "union_tag_invalid" else _said(problem, names)
    if kind == "union_tag_not_found" and place.startswith("environment"):  # by a misspelt variable, perhaps
        said += did_you_mean(names[1], [name for name in targets if name != names[1]])
    return f"{place}: {'.'.join(map(short, names)) or 'configuration'}: {said}"


def _is_tag(steps: Sequence[str | int], at: int) -> bool:
    """Whether a step of pydantic's path is no key but the name of the variant it chose, or a mark."""
    return (
        steps[at] == "[key]"
        or (at == 2 and steps[0] == "targets")  # noqa: PLR2004
        or (at > 0 and steps[0] == "targets" and steps[at - 1] == "auth")
    )


def _tag(problem: Mapping[str, Any]) -> str:
    allowed = re.findall(r"'([^']*)'", str(problem["ctx"]["expected_tags"]))
    return f"expected {' or '.join(allowed)}{did_you_mean(str(problem['ctx']['tag']), allowed)}"


def _said(problem: Mapping[str, Any], keys: list[str]) -> str:
    kind = problem["type"]
    if kind == "extra_forbidden":
        return _unknown(keys)
    if kind in ("missing", "union_tag_not_found"):
        return "missing, and required"
    if kind == "too_short":
        return "expected at least one"
    return expectation(str(problem["msg"]))


def _unknown(keys: list[str]) -> str:
    """What to say of a key that its table does not have."""
    *table, key = keys[:1] + keys[2:] if keys[0] == "notify" else keys
    tables: dict[str, list[str]] = {}
    for path in key_paths():
        tables.setdefault(path[-1], []).append(".".join(path[:-1]) or "the top")
    here = [path[-1] for path in key_paths() if _is_path(table, path[:-1])]
    if key in here:
        return "no key of this kind; another kind has it"
    if key in tables:
        return f"unknown key here; it belongs to {' or '.join(tables[key])}"
    if hint := did_you_mean(key, here):
        return f"unknown key{hint}"
    meant = nearest(key, tables)
    return f"unknown key; did you mean {meant!r} of {' or '.join(tables[meant])}?" if meant else "unknown key"


def _is_path(keys: Sequence[str], path: Sequence[str]) -> bool:
    return len(keys) == len(path) and all(step in (key, NAMED) for key, step in zip(keys, path, strict=True))
