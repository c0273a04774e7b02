"""The registry's answers on their way out, spoilt as the script of faults says. Outermost of all layers.

A call is carried out whole before an answer is lost, delayed or spoilt; so what a client may not know
for certain has happened for certain. Only a call that is carried out late has not, yet.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, assert_never
from urllib.parse import parse_qs

from reconciler.embedded.testing.faults import Corrupt, Drop, ExpireTokens, Late, Meddle, Reply, Slow

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from reconciler.embedded.router import Parts
    from reconciler.embedded.testing.faults import Answering, Faults, Rule

_READ_FOR_A_NAME = 1024 * 1024  # bytes of a body that are looked through for a model's name
_PAGE = b"<!DOCTYPE html><html><body><h1>Bad gateway</h1></body></html>"
_DEEDS = {
    "delete": "DELETE FROM models WHERE sequence = :sequence",
    "change": "UPDATE models SET description = :text, request = json_set(request, '$.description', :text)"
    " WHERE sequence = :sequence",
    "move": "UPDATE models SET created_at = (SELECT max(created_at) + 1 FROM models),"
    " sequence = (SELECT max(sequence) + 1 FROM models) WHERE sequence = :sequence",
}


@dataclass(slots=True)
class _Call:
    """A request as rules look at it; what was read of it is given to the application again."""

    method: str
    path: str
    query: str
    messages: list[Message] = field(default_factory=list)

    @property
    def name(self) -> str | None:
        """The model name that the query or the body speaks of."""
        asked = parse_qs(self.query).get("model_name")
        if asked:
            return asked[0]
        try:
            document = json.loads(b"".join(message.get("body", b"") for message in self.messages))
        except (ValueError, RecursionError):
            return None
        name = document.get("model_name") if isinstance(document, dict) else None
        return name if isinstance(name, str) else None


@dataclass(slots=True)
class _Answer:
    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    async def take(self, message: Message) -> None:
        """An ASGI `send` that keeps what it is given."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message.get("headers", ()))
        else:
            self.body += message.get("body", b"")

    def head(self) -> Message:
        return {"type": "http.response.start", "status": self.status, "headers": self.headers}

    def spoilt(self, body: bytes, kind: bytes = b"application/json") -> _Answer:
        """The same with another body, and the headers that go with that."""
        replaced = (b"content-type", b"content-length")
        kept = [(name, value) for name, value in self.headers if name.lower() not in replaced]
        length = str(len(body)).encode()
        return _Answer(self.status, [*kept, (b"content-type", kind), (b"content-length", length)], body)


class FaultInjection:
    """ASGI middleware that carries the script out: its rules, how often each matched, and the dice."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._rules = faults.rules
        self._matched: Counter[int] = Counter()
        self._dice = random.Random(faults.seed)  # noqa: S311 - a script to be repeated, not a secret
        self._late: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request, well or badly."""
        call = await _read(scope, receive)
        due = list(self._due(call))
        for rule in due:
            await _interfere(rule, scope["app"].state.parts)
        fault = next((rule for rule in due if not isinstance(rule, ExpireTokens | Meddle)), None)
        again = _again(call.messages, receive)
        if fault is None:
            await self._app(scope, again, send)
        else:
            await self._misbehave(fault, scope, again, send)

    def _due(self, call: _Call) -> Iterator[Rule]:
        """The rules that act on this call, in their order; every match is counted."""
        name = call.name
        for number, rule in enumerate(self._rules):
            if not _is_about(rule, call, name):
                continue
            self._matched[number] += 1
            over = self._matched[number] - rule.skip
            in_turn = over > 0 and (rule.times is None or over <= rule.times)
            if in_turn and self._dice.random() < rule.probability:
                yield rule

    async def _put_off(self, fault: Late, scope: Scope, receive: Receive) -> None:
        """Ends the connection, and carries the call out some time after it has arrived whole."""
        messages = [message := await receive()]
        while message.get("more_body", False):
            messages.append(message := await receive())

        async def later() -> None:
            await asyncio.sleep(fault.seconds)
            await self._app(scope, _again(messages, receive), _Answer().take)

        task = asyncio.create_task(later())
        self._late.add(task)
        task.add_done_callback(self._late.discard)
        _end_connection(scope)

    async def _misbehave(self, fault: Answering, scope: Scope, receive: Receive, send: Send) -> None:
        if isinstance(fault, Late):
            await self._put_off(fault, scope, receive)
            return
        answer = _Answer()
        if not (isinstance(fault, Drop | Reply) and fault.moment == "before"):
            await self._app(scope, receive, answer.take)
        match fault:
            case Drop():
                _end_connection(scope)
            case Reply():
                await _send(_replied(fault, answer), send)
            case Slow(part="head"):
                await asyncio.sleep(fault.seconds)
                await _send(answer, send)
            case Slow():
                await _trickle(answer, fault.seconds, send)
            case Corrupt(how="cut"):
                await send(answer.head())
                half = answer.body[: len(answer.body) // 2]
                await send({"type": "http.response.body", "body": half, "more_body": True})
                _end_connection(scope)
            case Corrupt():
                await _send(_spoilt(fault, answer), send)
            case _:
                assert_never(fault)


def _is_about(rule: Rule, call: _Call, name: str | None) -> bool:
    return (
        rule.method in (None, call.method)
        and fnmatchcase(call.path, rule.path)
        and (rule.name is None or (name is not None and fnmatchcase(name, rule.name)))
    )


async def _interfere(rule: Rule, parts: Parts) -> None:
    """What others do to models and tokens behind everybody's back."""
    connection = parts.database.connection
    if isinstance(rule, Meddle):
        await parts.database.write(_meddle, connection, rule)
    elif isinstance(rule, ExpireTokens):
        end_all = "UPDATE tokens SET expires_at = min(expires_at, ?)"
        await parts.database.write(connection.execute, end_all, (parts.settings.clock(),))


def _meddle(connection: sqlite3.Connection, rule: Meddle) -> None:
    """Does what the rule says to the oldest models of the names it says."""
    rows = connection.execute("SELECT sequence, model_name FROM models ORDER BY created_at, sequence")
    sequences = [sequence for sequence, name in rows.fetchall() if fnmatchcase(name, rule.models)]
    chosen = [{"sequence": sequence, "text": "changed by somebody else"} for sequence in sequences]
    connection.executemany(_DEEDS[rule.how], chosen[: rule.most])


async def _read(scope: Scope, receive: Receive) -> _Call:
    """The request, with as much of its body as a name is looked for in."""
    call = _Call(scope["method"], scope["path"], scope["query_string"].decode("latin-1"))
    size, more = 0, True
    while more and size < _READ_FOR_A_NAME:
        message = await receive()
        call.messages.append(message)
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    return call


def _again(messages: list[Message], receive: Receive) -> Receive:
    left = list(messages)

    async def replayed() -> Message:
        return left.pop(0) if left else await receive()

    return replayed


def _end_connection(scope: Scope) -> None:
    """Drops the caller's connection; without one, in one process, that is an error of the call."""
    drop: Any = getattr(scope["app"].state, "drop", None)
    if drop is None:
        raise ConnectionResetError("the connection was dropped, as the faults say")
    drop(scope["client"])


async def _send(answer: _Answer, send: Send) -> None:
    await send(answer.head())
    await send({"type": "http.response.body", "body": answer.body})


async def _trickle(answer: _Answer, seconds: float, send: Send) -> None:
    await send(answer.head())
    for byte in answer.body:
        await asyncio.sleep(seconds / len(answer.body))
        await send({"type": "http.response.body", "body": bytes((byte,)), "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _replied(fault: Reply, answer: _Answer) -> _Answer:
    if fault.code is None:
        said = answer.spoilt(_PAGE, b"text/html")
    else:
        envelope = {"error_code": fault.code, "error_msg": "as the registry's faults say"}
        said = answer.spoilt(json.dumps(envelope).encode())
    said.status = fault.status
    if fault.retry_after is not None:
        said.headers.append((b"retry-after", fault.retry_after.encode()))
    return said


def _spoilt(fault: Corrupt, answer: _Answer) -> _Answer:
    if fault.how == "html":
        return answer.spoilt(_PAGE, b"text/html")
    if fault.how == "malformed":
        return answer.spoilt(b"{'model_id': " + answer.body[1:])
    return answer.spoilt(answer.body[: len(answer.body) // 2])
