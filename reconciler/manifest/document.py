"""One document as read becomes a Manifest, or an InvalidManifest with every problem and its place."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.contract import digest
from reconciler.contract.model_key import ModelKey
from reconciler.contract.problem import Problem
from reconciler.manifest.fast_parser import NotSimple
from reconciler.manifest.json_text import read_json
from reconciler.manifest.nodes import DUPLICATE_KEY, Builder, Document
from reconciler.manifest.text import (
    Issue,
    Text,
    UnreadableFile,
    conflict_or,
    decode,
    decode_leniently,
    is_safe,
    shown,
)
from reconciler.manifest.values import InvalidManifest, Manifest, Reason, in_order

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.contract import Edition

METADATA = "metadata"

_LONGEST_NAME = 256
"""A longer text under `model_name` or `model_version` is nobody's name."""

_NOT_A_MAPPING = "a manifest is a mapping of fields, such as `model_name: mnist`, and this is not one"
_OF_THE_KEY = frozenset({"unknown-field", "field-of-another-edition", "shadowed-field", "undocumented-field"})
"""Problems of a key, not of its value."""


def accept(path: str, line: int, value: dict[str, Any], rules: Edition) -> Manifest:
    """What a document declares about which there is nothing to tell; `value` is used up. Raises NotSimple."""
    metadata = value.pop(METADATA, None)
    if FIELD in value or _wrong_metadata(metadata):
        raise NotSimple
    parsed = rules.accept(value)
    if parsed is None or parsed.request is None or parsed.problems:
        raise NotSimple
    return _manifest(path, line, parsed.request, (), metadata)


def interpret(
    page: Text, document: Document, rules: Edition, sibling: Callable[[str], bytes | None]
) -> Manifest | InvalidManifest:
    """What one document declares, or all that is wrong with it.

    The rules are asked unless the document's shape is broken in a way that would make them complain of what
    merely follows from it. A duplicate key, of which the first counts, does not break it.
    """
    line, _ = page.place(document.index())
    reasons = [page.reason_of(issue) for issue in document.flaws]
    if not isinstance(document.value, dict):
        reasons.append(page.reason("not-a-mapping", _NOT_A_MAPPING, document.index()))
        return InvalidManifest(page.path, line, in_order(reasons))
    config_file, wrong = _config_file(page.path, document.value, sibling)
    metadata = document.value.get(METADATA)
    local = [*wrong, *_wrong_metadata(metadata)]
    reasons += [one if isinstance(one, Reason) else _reason(page, document, one, None) for one in local]
    request = None
    if all(issue.code == DUPLICATE_KEY for issue in document.flaws):
        parsed = rules.parse(_contract_part(document.value, config_file))
        request = parsed.request
        reasons += [_reason(page, document, problem, config_file) for problem in parsed.problems]
    if request is None or any(reason.severity == "error" for reason in reasons):
        return InvalidManifest(page.path, line, in_order(reasons), *claimed(document.value))
    return _manifest(page.path, line, request, in_order(reasons), metadata)


def _manifest(
    path: str, line: int, request: dict[str, Any], warnings: tuple[Reason, ...], metadata: object
) -> Manifest:
    pair = ModelKey(request["model_name"], request["model_version"])
    return Manifest(pair, request, digest(request), path, line, warnings, _as_text(metadata or {}))


def claimed(value: object) -> tuple[str | None, str | None]:
    """The model name and version that a document claims, as far as they are texts of a sensible length."""
    if not isinstance(value, dict):
        return None, None
    return _name(value.get("model_name")), _name(value.get("model_version"))


def _name(value: object) -> str | None:
    return str(value) if isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME else None


# --- what is the manifest's own, and no field of the API -----------------------------------------------


def _wrong_metadata(metadata: object) -> list[Problem]:
    if metadata is None or isinstance(metadata, dict):
        return []
    why = f"{METADATA}: must be a mapping, such as {{owner: vision-team}}"
    return [Problem("invalid-type", why, (METADATA,))]


def _as_text(value: Any) -> Any:  # noqa: ANN401 - JSON is any
    """The value with every unquoted scalar as the plain text that it is."""
    if isinstance(value, dict):
        return {key: _as_text(below) for key, below in value.items()}
    if isinstance(value, list):
        return [_as_text(below) for below in value]
    return str(value) if isinstance(value, str) else value


def _config_file(
    path: str, value: dict[str, Any], sibling: Callable[[str], bytes | None]
) -> tuple[ConfigFile | None, list[Problem | Reason]]:
    if FIELD not in value:
        return None, []
    if value.get(REPLACES) is not None:
        why = f"{FIELD}: {REPLACES} is given too; keep one of them"
        return None, [Problem("contradiction", why, (FIELD,))]
    config_file = _read_config_file(path, value[FIELD], sibling)
    return (config_file, []) if isinstance(config_file, ConfigFile) else (None, [config_file])


def _contract_part(value: dict[str, Any], config_file: ConfigFile | None) -> dict[str, Any]:
    """The fields of the API in their order, the configuration file's text where the file was named."""
    if METADATA not in value and FIELD not in value:
        return value
    part: dict[str, Any] = {}
    for key, below in value.items():
        if key == FIELD and config_file is not None:
            part[REPLACES] = config_file.text.characters
        elif key not in (METADATA, FIELD, REPLACES) or (key == REPLACES and config_file is None):
            part[key] = below
    return part


# --- places --------------------------------------------------------------------------------------------


def _reason(page: Text, document: Document, problem: Problem, config_file: ConfigFile | None) -> Reason:
    loc = problem.loc
    if config_file is not None and loc[:1] == (REPLACES,):
        page, document, loc = config_file.text, config_file.document, loc[1:]
    index = document.index(loc, key=problem.code in _OF_THE_KEY)
    return page.reason(problem.code, problem.message, index, problem.severity)


# --- the configuration file beside a manifest: its text becomes the request's `initial_config` ---------

FIELD = "initial_config_file"
REPLACES = "initial_config"


class ConfigFile(NamedTuple):
    """A configuration file that could be read: its text as it stands, and what that says."""

    text: Text
    document: Document


def _read_config_file(
    manifest: str, name: object, sibling: Callable[[str], bytes | None]
) -> ConfigFile | Problem | Reason:
    """Reads the file that a manifest names; `sibling` gives the bytes of a file of the same commit, or None.

    Returns:
        The file; or what is wrong with its name, at the manifest's key; or with its content, at its place in
        the file itself.
    """
    if not isinstance(name, str) or not name:
        return _misnamed("invalid-type", f"{FIELD}: must be the name of a JSON file beside the manifest")
    said = f"{FIELD} {shown(name)}"
    if not is_safe(name) or name.startswith("/") or "\\" in name or ".." in name.split("/"):
        why = "must be a path below the manifest's folder, with / and without .."
        return _misnamed("invalid-value", f"{said}: {why}")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(manifest), name))
    if path == posixpath.normpath(manifest):
        return _misnamed("invalid-value", f"{said}: is this manifest itself; name another file")
    data = sibling(path)
    if data is None:
        missing = f"there is no file {shown(path)} in this commit (links are not followed); commit it"
        return _misnamed("file-not-found", f"{said}: {missing}")
    return _read(path, data, said)


def _misnamed(code: str, message: str) -> Problem:
    return Problem(code, message, (FIELD,))


def _read(path: str, data: bytes, said: str) -> ConfigFile | Problem | Reason:
    text, builder = None, Builder()
    try:
        text = decode(data, path, json=True)
        read_json(text, builder)
    except UnreadableFile as error:
        return _about(text or decode_leniently(data, path), conflict_or(error.issue, text), said)
    if not builder.documents:
        return _about(text, Issue("empty-file", "the file is empty; it must hold JSON"), said)
    document = builder.documents[0]
    for issue in document.flaws:
        return _about(text, issue, said)
    if isinstance(document.value, dict) and {"model_name", "model_version"} <= document.value.keys():
        return _misnamed("invalid-value", f"{said}: is a manifest itself; name a configuration file")
    return ConfigFile(text, document)


def _about(page: Text, issue: Issue, said: str) -> Reason:
    reason = page.reason_of(issue)
    return replace(reason, message=f"{said}: {reason.message}")
