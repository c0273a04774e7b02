"""One call to a registry, before it is known how it travels."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """One request to be made.

    Attributes:
        path: percent-encoded path, from the endpoint's on.
        query: canonical query, without `?`.
        body: the JSON to send, as the bytes that are signed and sent.
        write: whether executing it twice would matter; such a call is only repeated after a proof that it
            was not executed.
        one_model: whether it is about one model: what it is answered says nothing about any other call.
    """

    method: str
    path: str
    query: str = ""
    body: bytes | None = None
    write: bool = False
    one_model: bool = False
