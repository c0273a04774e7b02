"""One call to a registry, before it is known how it travels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from reconciler.errors import RegistryError

if TYPE_CHECKING:
    from typing import Any

E = TypeVar("E", bound=RegistryError)


@dataclass(frozen=True, slots=True)
class Request:
    """One request to be made.

    Attributes:
        path: percent-encoded path, from the endpoint's on.
        query: canonical query, without `?`.
        body: the JSON to send, as the bytes that are signed and sent.
        write: whether executing it twice would matter (an import); such a call is only repeated after a proof
            that it was not executed, and of no other may the outcome be unknown.
        one_model: whether it is about one model: what it is answered says nothing about any other call.
    """

    method: str
    path: str
    query: str = ""
    body: bytes | None = None
    write: bool = False
    one_model: bool = False

    def error(self, kind: type[E], message: str, **facts: Any) -> E:  # noqa: ANN401 - of several types
        """An error of this kind about this request; `facts` are those of the answer."""
        return kind(message, method=self.method, path=self.path, **facts)
