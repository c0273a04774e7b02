"""Every reason code of the program stands in docs/operations.md, with what it means and what to do."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.engine.guards import Guards
from reconciler.engine.listing import ATTENTION_ORDER
from reconciler.engine.trust import HoldCode
from reconciler.engine.values import EventKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).parents[2]
ROOMS = ("contract", "manifest", "preflight", "engine", "source")
"""Where reasons are given."""

_GIVE = {
    *("Reason", "Issue", "Problem", "UnreadableFile", "FilesUnavailable"),
    *("error", "warning", "Invalid", "reason", "issue", "about", "about_file"),
    *("_misnamed", "_refuse_key", "_refused"),
}
_GIVE_OF_PREFLIGHT = {"say", "_of_file"}  # they put `preflight-` before it
_ABOUT = {"about", "about_file"}  # their first argument is a field or a file
_PASS_ON = {
    "code",
    "kind",
    "issue.code",
    "problem.code",
    "problem",
    "issue",
    "one.code",
    "entry",
    "item",
    "EventKind.MISSING",  # the kind of an event
}
"""What stands in the place of a code where a code that was given before is passed on."""

_COMPUTED = {
    "knob.replace('_', '-')": {field.name.replace("_", "-") for field in fields(Guards)},
    "hold.code": {code.value for code in HoldCode},
    "entry.code or 'outcome-unknown'": {EventKind.UNKNOWN.value},
    "entry.code or entry.last": {
        EventKind.REJECTED.value,
        EventKind.POSTPONED.value,
        EventKind.ELSEWHERE.value,
    },
    "'string_type'": {"invalid-type"},  # pydantic's kinds of errors, which `models` words
    "'bool_type'": {"invalid-type"},
    "NOT_JSON": {"invalid-value"},
    "f'preflight-{code}'": set[str](),
    "*why": set[str](),
    "*fault": set[str](),  # pairs of code and words, which are collected where they are made
    "*_answered(error)": set[str](),
}
_CODE = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_OF_THE_REGISTRY = {"http-503", "no-answer", "state-slow"}
"""Examples of what `RegistryError.reason` gives; the vendor's own codes are in docs/vendor-errors.md."""


def _trees() -> Iterator[ast.Module]:
    for room in ROOMS:
        for path in sorted((ROOT / "reconciler" / room).rglob("*.py")):
            yield ast.parse(path.read_text("utf-8"))


def _constants(trees: Iterable[ast.Module]) -> dict[str, str]:
    """Names of modules that stand for a text."""
    return {
        target.id: node.value.value
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name) and isinstance(node.value.value, str)
    }


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _codes_in(arguments: list[ast.expr], constants: dict[str, str]) -> set[str] | None:
    """The codes that these arguments give, none where one is passed on; None where nobody can tell."""
    for argument in arguments[:2]:
        if isinstance(argument, ast.Constant) and _CODE.fullmatch(str(argument.value)):
            return {str(argument.value)}
        if isinstance(argument, ast.Name) and _CODE.fullmatch(constants.get(argument.id, "")):
            return {constants[argument.id]}
    for argument in arguments[:2]:
        written = ast.unparse(argument)
        if written in _COMPUTED:
            return _COMPUTED[written]
        if written in _PASS_ON:
            return set()
    return set() if not arguments else None


def reason_codes() -> set[str]:
    """Every code that the source gives a reason, or an error of a test where it cannot be read from it."""
    trees = list(_trees())
    constants, codes, unclear = _constants(trees), set[str](), []
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
            first = node.value.elts[0] if node.value.elts else None
            if isinstance(first, ast.Constant) and re.fullmatch(r"[a-z]+(?:-[a-z]+)+", str(first.value)):
                codes.add(str(first.value))
        if not isinstance(node, ast.Call) or _name(node) not in _GIVE | _GIVE_OF_PREFLIGHT:
            continue
        argument_codes = _codes_in(node.args[1:] if _name(node) in _ABOUT else node.args, constants)
        if argument_codes is None:
            unclear.append(ast.unparse(node))
        prefix = "preflight-" if _name(node) in _GIVE_OF_PREFLIGHT else ""
        codes |= {prefix + code for code in argument_codes or ()}
    assert not unclear, "a reason's code has to be a text, a constant, or one of _PASS_ON and _COMPUTED"
    return codes


def _documented() -> set[str]:
    text = (ROOT / "docs/operations.md").read_text("utf-8")
    table = text.partition("## Reasons")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ((?:`[^`]+`(?:, )?)+) \| [^|]+ \| [^|]+ \|$", table, re.MULTILINE)
    return {code for row in rows for code in re.findall(r"`([^`]+)`", row)}


def test_the_collection_finds_codes_of_every_room() -> None:
    """It would be of no use if it found nothing."""
    assert {"drifted", "syntax", "unknown-field", "preflight-denied", "allow-empty"} <= reason_codes()


def test_every_reason_code_stands_in_the_operations_manual_and_no_other() -> None:
    """Symptom, meaning, what to do."""
    assert _documented() == reason_codes() | _OF_THE_REGISTRY


def test_every_verdict_stands_in_the_operations_manual() -> None:
    """The first thing that somebody sees."""
    text = (ROOT / "docs/operations.md").read_text("utf-8").partition("## Verdicts")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE) == [verdict.value for verdict in Verdict]


@pytest.mark.parametrize(
    ("file", "heading"), [("README.md", "### Verdicts"), ("README.zh-CN.md", "### 结论")]
)
def test_every_verdict_has_a_rank_and_a_row_in_both_readmes(file: str, heading: str) -> None:
    """The page sorts by the one, and people look up the other."""
    table = (ROOT / file).read_text("utf-8").partition(heading)[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE) == [str(one) for one in Verdict]
    assert set(ATTENTION_ORDER) == set(Verdict)
