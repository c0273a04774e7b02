"""What is wrong with a configuration: place, key and what was expected; never the value: it may be secret."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from reconciler.phrases import did_you_mean
from reconciler.settings.place import Places, short
from reconciler.settings.tables import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pydantic import ValidationError

_MOST = 50
"""Mistakes told at once."""
_REWORDED = (
    (r"^Value error, ", ""),
    (r"^Input should be", "expected"),
    (r"a valid tuple$", "a list"),
    (r"valid dictionary( or (instance|object) .*)?$", "table of keys"),
)


def render(error: ValidationError, file: Path | None) -> str:
    """Every mistake on a line of its own; of very many, the first ones and their number."""
    every = error.errors(include_input=False, include_url=False)
    problems = [problem for problem in every if not _is_consequence(problem, every)]
    places = Places(file)
    lines = [_line(problem, places) for problem in problems[:_MOST]]
    more = [f"and {len(problems) - _MOST} mistakes more; correct these first"] if problems[_MOST:] else []
    return "\n".join(lines + more)


def _is_consequence(problem: Mapping[str, Any], every: Sequence[Mapping[str, Any]]) -> bool:
    """Whether it says that a list is empty, which is so only because all of its values were refused."""
    at = problem["loc"]
    return problem["type"] == "too_short" and any(
        len(other["loc"]) > len(at) and other["loc"][: len(at)] == at for other in every
    )


def _line(problem: Mapping[str, Any], places: Places) -> str:
    steps = problem["loc"]
    keys = [step for at, step in enumerate(steps) if not _is_tag(steps, at)]
    place = places.of(keys)
    kind = problem["type"]
    if kind.startswith("union_tag"):
        keys.append(str(problem["ctx"]["discriminator"]).strip("'"))
        place = place if kind == "union_tag_not_found" else places.of(keys)
    names = [str(key) for key in keys]
    said = _tag(problem) if kind == "union_tag_invalid" else _said(problem, names)
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
        if keys[-1] in _all_keys():
            return "unknown key here; it belongs to another table"
        return f"unknown key{did_you_mean(keys[-1], _all_keys())}"
    if kind in ("missing", "union_tag_not_found"):
        return "missing, and required"
    if kind == "too_short":
        return "expected at least one"
    text = str(problem["msg"])
    for pattern, better in _REWORDED:
        text = re.sub(pattern, better, text)
    return text


@cache
def _all_keys() -> frozenset[str]:
    schema = Settings.model_json_schema()
    sections = [schema, *schema.get("$defs", {}).values()]
    return frozenset(key for section in sections for key in section.get("properties", {}))
