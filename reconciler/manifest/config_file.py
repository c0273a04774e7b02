"""`initial_config_file`: a JSON file beside the manifest; its text becomes the request's `initial_config`."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from reconciler.contract.problem import Problem
from reconciler.manifest.diagnostics import SourceText
from reconciler.manifest.json_text import read_json
from reconciler.manifest.nodes import Builder, Document
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

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.manifest.values import Reason

FIELD = "initial_config_file"
REPLACES = "initial_config"


class ConfigFile(NamedTuple):
    """A configuration file that could be read.

    Attributes:
        path: its path inside the repository.
        text: its text, as it stands.
        document: what the text says, for finding places in it.
    """

    path: str
    text: Text
    document: Document

    def reason(self, problem: Problem, *, at_key: bool) -> Reason:
        """A problem of `initial_config`, at its place in this file."""
        index = self.document.index(problem.loc[1:], key=at_key)
        return SourceText(self.path, self.text).reason(problem.code, problem.message, index, problem.severity)


def read_config_file(
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
    if not _stays_below(name):
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


def _stays_below(name: str) -> bool:
    return is_safe(name) and not name.startswith("/") and "\\" not in name and ".." not in name.split("/")


def _read(path: str, data: bytes, said: str) -> ConfigFile | Problem | Reason:
    text, builder = None, Builder()
    try:
        text = decode(data, json=True)
        read_json(text, builder)
    except UnreadableFile as error:
        return _reason(SourceText(path, text or decode_leniently(data)), conflict_or(error.issue, text), said)
    page = SourceText(path, text)
    if not builder.documents:
        return _reason(page, Issue("empty-file", "the file is empty; it must hold JSON"), said)
    document = builder.documents[0]
    for issue in document.flaws:
        return _reason(page, issue, said)
    if _is_manifest(document.value):
        return _misnamed("invalid-value", f"{said}: is a manifest itself; name a configuration file")
    return ConfigFile(path, text, document)


def _reason(page: SourceText, issue: Issue, said: str) -> Reason:
    reason = page.issue(issue)
    return replace(reason, message=f"{said}: {reason.message}")


def _is_manifest(value: object) -> bool:
    return isinstance(value, dict) and {"model_name", "model_version"} <= value.keys()
