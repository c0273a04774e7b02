"""A client of a language server, over its standard streams: the part of an editor that a test needs.

https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification/
"""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_ABLE = {
    "textDocument": {"publishDiagnostics": {}, "completion": {"completionItem": {"snippetSupport": False}}},
    "workspace": {"configuration": True, "workspaceFolders": True},
}


class Shown(NamedTuple):
    """A problem as an editor underlines it; the line counts from 1, as `validate` does."""

    line: int
    message: str


@dataclass
class LanguageServer:
    """One that runs.

    Attributes:
        settings: what the editor is configured to, by section.
    """

    stdin: IO[bytes]
    stdout: IO[bytes]
    settings: Mapping[str, Any]
    _number: int = 0
    _problems: dict[str, list[Shown]] = field(default_factory=dict)

    def opened(self, path: Path, language: str, text: str) -> Sequence[Shown]:
        """Opens a document with a text that need not be on disk; gives what is wrong with it."""
        document = {"uri": path.as_uri(), "languageId": language, "version": 1, "text": text}
        self._send("textDocument/didOpen", {"textDocument": document})
        while path.as_uri() not in self._problems:
            self._read()
        return self._problems.pop(path.as_uri())

    def offered(self, path: Path, line: int, column: int) -> Sequence[str]:
        """What may stand at a place of an open document; both count from 1."""
        answer = self._asked("textDocument/completion", _place(path, line, column))
        return [item["label"] for item in (answer if isinstance(answer, list) else answer["items"])]

    def explained(self, path: Path, line: int, column: int) -> str:
        """What is shown when the pointer rests on a place."""
        text: str = self._asked("textDocument/hover", _place(path, line, column))["contents"]["value"]
        return text

    def begin(self, folder: Path) -> None:
        """The greeting, before anything else."""
        folders = [{"uri": folder.as_uri(), "name": folder.name}]
        facts = {"processId": None, "rootUri": folder.as_uri(), "workspaceFolders": folders}
        self._asked("initialize", facts | {"capabilities": _ABLE})
        self._send("initialized", {})

    def _asked(self, method: str, params: Any) -> Any:
        self._number += 1
        self._write({"id": self._number, "method": method, "params": params})
        while True:
            message = self._read()
            if message.get("id") == self._number and "method" not in message:
                return message["result"]

    def _send(self, method: str, params: Any) -> None:
        self._write({"method": method, "params": params})

    def _write(self, message: Mapping[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.stdin.flush()

    def _read(self) -> dict[str, Any]:
        """The next message; what the server asks is answered, and what it says of documents is kept."""
        size = 0
        while header := self.stdout.readline().strip():
            name, _, value = header.partition(b":")
            size = int(value) if name.lower() == b"content-length" else size
        if not size:
            raise EOFError("the language server has ended")
        message: dict[str, Any] = json.loads(self.stdout.read(size))
        if message.get("method") == "textDocument/publishDiagnostics":
            problems = message["params"]["diagnostics"]
            self._problems[message["params"]["uri"]] = [
                Shown(one["range"]["start"]["line"] + 1, one["message"]) for one in problems
            ]
        elif "method" in message and "id" in message:
            asked = (message.get("params") or {}).get("items", [])
            self._write({"id": message["id"], "result": [self.settings.get(one["section"]) for one in asked]})
        return message


def _place(path: Path, line: int, column: int) -> dict[str, Any]:
    return {
        "textDocument": {"uri": path.as_uri()},
        "position": {"line": line - 1, "character": column - 1},
    }


@contextmanager
def serving_editors(
    command: Sequence[str], folder: Path, settings: Mapping[str, Any]
) -> Iterator[LanguageServer]:
    """A server that is greeted, while the block runs."""
    with subprocess.Popen(
        command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            assert process.stdin
            assert process.stdout
            server = LanguageServer(process.stdin, process.stdout, settings)
            server.begin(folder)
            yield server
        finally:
            process.kill()
