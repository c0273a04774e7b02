"""`initial_config_file`: a JSON file beside the manifest; its text becomes the request's `initial_config`."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.manifest.json_text import read_json
from reconciler.manifest.text import Text, Unreadable, decode, decode_leniently, is_safe, shown
from reconciler.manifest.tree import Builder, Document

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.contract.problem import Loc

FIELD = "initial_config_file"
REPLACES = "initial_config"


@dataclass(frozen=True, slots=True)
class Companion:
    """A configuration file that could be read.

    Attributes:
        path: its path inside the repository.
        text: its text, as it stands.
        document: what the text says, for finding places in it.
    """

    path: str
    text: Text
    document: Document

    def place(self, loc: Loc, *, key: bool = False) -> str:
        """`path:line:column` of a place in the configuration."""
        return _at(self.path, self.text, self.document.index(loc, key=key))


def read_companion(
    manifest: str, name: object, sibling: Callable[[str], bytes | None]
) -> Companion | tuple[str, str]:
    """Reads the file that a manifest names.

    Args:
        manifest: the manifest's path inside the repository.
        name: the value of `initial_config_file`.
        sibling: the bytes of a file of the same commit by its path, or None.

    Returns:
        The file, or the code and the words for what is wrong with it.
    """
    if not isinstance(name, str) or not name:
        return "invalid-type", f"{FIELD}: must be the name of a JSON file beside the manifest"
    said = f"{FIELD} {shown(name)}"
    if not _stays_below(name):
        return "invalid-value", f"{said}: must be a path below the manifest's folder, with / and without .."
    path = posixpath.normpath(posixpath.join(posixpath.dirname(manifest), name))
    if path == posixpath.normpath(manifest):
        return "invalid-value", f"{said}: is this manifest itself; name another file"
    data = sibling(path)
    if data is None:
        missing = f"there is no file {shown(path)} in this commit (links are not followed); commit it"
        return "file-not-found", f"{said}: {missing}"
    return _read(path, data, said)


def _stays_below(name: str) -> bool:
    return is_safe(name) and not name.startswith("/") and "\\" not in name and ".." not in name.split("/")


def _read(path: str, data: bytes, said: str) -> Companion | tuple[str, str]:
    text, builder = None, Builder()
    try:
        text = decode(data, json=True)
        read_json(text, builder)
    except Unreadable as error:
        at = _at(path, text or decode_leniently(data), error.flaw.index)
        return error.flaw.code, f"{said}: {at}: {error.flaw.message}"
    if not builder.documents:
        return "empty-file", f"{said}: the file is empty; it must hold JSON"
    document = builder.documents[0]
    for flaw in document.flaws:
        return flaw.code, f"{said}: {_at(path, text, flaw.index)}: {text.words(flaw)}"
    if _is_manifest(document.value):
        return "invalid-value", f"{said}: is a manifest itself; name a configuration file"
    return Companion(path, text, document)


def _is_manifest(value: object) -> bool:
    return isinstance(value, dict) and {"model_name", "model_version"} <= value.keys()


def _at(path: str, text: Text, index: int | None) -> str:
    if index is None:
        return path
    line, column = text.place(index)
    return f"{path}:{line}:{column}"
