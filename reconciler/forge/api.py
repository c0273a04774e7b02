"""One host's API: the token, pages, limits of the rate, and errors in words for a person."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from reconciler.backoff import Backoff
from reconciler.errors import ForgeError, NoAnswerError
from reconciler.http_request import send
from reconciler.views.masked import excerpt

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Mapping

    from reconciler.engine.clock import Clock
    from reconciler.registry.exchange import Response

PAGE = 100
"""Items of a page; no host gives more."""

_MOST_PAGES = 100
_DEADLINE = 30.0  # seconds for one call
_BODY_BYTES = 8 * 1024 * 1024  # a page of 100 comments of 65,536 characters each
_ATTEMPTS = 5
_LONGEST_WAIT = 300.0  # seconds that all pauses of one call take together
_BACKOFF = Backoff(1.0, _LONGEST_WAIT)
_SECONDARY = 60.0  # seconds; GitHub asks for a minute at least where it names no time
_SECONDARY_WORDS = b"secondary rate limit"
_RESETS = ("x-ratelimit-reset", "ratelimit-reset")
_LEFT = ("x-ratelimit-remaining", "ratelimit-remaining")
_NEXT = re.compile(r'<[^>]*>\s*;[^,]*rel="?next"?')
_REPEATABLE = ("GET", "PUT", "PATCH", "DELETE")
"""Methods whose second execution does no harm here."""


class OutcomeOpen(ForgeError):  # noqa: N818 - reads as what happened
    """A write was sent, and whether it was carried out is not known."""


@dataclass(frozen=True, slots=True)
class Api:
    """Calls to one host.

    Attributes:
        title: the host's name, for messages.
        base: URL that paths follow.
        credentials: the headers that carry the token.
        token: taken out of whatever the host repeats.
        hint: what the token has to be allowed to do, for a message.
    """

    title: str
    base: str
    credentials: Mapping[str, str] = field(repr=False)
    token: str = field(repr=False)
    hint: str
    clock: Clock

    async def call(
        self, method: str, path: str, body: object = None, query: Mapping[str, str | int] | None = None
    ) -> Any:  # noqa: ANN401 - whatever JSON holds
        """The JSON of the answer to one call, or None where it has no body.

        Raises:
            ForgeError: the host refuses, or does not answer in time.
            OutcomeOpen: nobody knows whether a POST was carried out.
        """
        return self._read(await self._answered(method, path, body, query))

    async def reaches(self, method: str, path: str, body: object = None, *, unless: Collection[int]) -> bool:
        """The same of one thing that may be gone: False where the host answers with one of these statuses."""
        try:
            await self.call(method, path, body)
        except ForgeError as error:
            if error.status in unless:
                return False
            raise
        return True

    async def pages(
        self,
        path: str,
        query: Mapping[str, str | int],
        items: Callable[[Any], list[Any]] = list,
        *,
        by_offset: bool = False,
    ) -> AsyncIterator[Any]:
        """Every item of a list, page by page; `items` finds them in a page.

        The address of the next page is never followed: its host could be another one. A host that pages
        `by_offset` names none.
        """
        for page in range(_MOST_PAGES):
            place = (
                {"offset": page * PAGE, "limit": PAGE} if by_offset else {"per_page": PAGE, "page": page + 1}
            )
            answer = await self._answered("GET", path, None, {**query, **place})
            listed = self._items(answer, items)
            for item in listed:
                yield item
            link = None if by_offset else answer.headers.get("link")
            if len(listed) < PAGE if link is None else not _NEXT.search(link):
                return
        raise ForgeError(f"{self.title}: a list did not end after {_MOST_PAGES} pages of {PAGE}")

    def text_at(self, answer: object, *keys: str) -> str:
        """The text, or the whole number, that stands at these keys of an answer, one below the other.

        Raises:
            ForgeError: there is none: the answer is not as the host documents it.
        """
        text = _text(answer, keys)
        if text is None:
            raise ForgeError(
                f"{self.title}: the answer has no {'.'.join(keys)}: is the address that of an API?"
            )
        return text

    async def _answered(
        self, method: str, path: str, body: object, query: Mapping[str, str | int] | None
    ) -> Response:
        url = f"{self.base}{path}{'?' + urlencode(query) if query else ''}"
        content = None if body is None else json.dumps(body).encode()
        headers = {**self.credentials, "User-Agent": "model-reconciler"}
        headers |= {} if content is None else {"Content-Type": "application/json"}
        waited = 0.0
        for attempt in range(1, _ATTEMPTS + 1):
            answer, problem = await self._sent(method, url, headers, content)
            if answer is not None and answer.status < HTTPStatus.MULTIPLE_CHOICES:
                return answer
            status = None if answer is None else answer.status
            if method not in _REPEATABLE and (status is None or status >= HTTPStatus.INTERNAL_SERVER_ERROR):
                raise OutcomeOpen(problem, status=status)
            pause = _BACKOFF.seconds(attempt) if answer is None else self._pause(answer, attempt)
            if pause is None or attempt == _ATTEMPTS:
                raise ForgeError(problem, status=status)
            waited += pause
            if waited > _LONGEST_WAIT:
                again = f"{problem}. It asks to wait {pause:.0f} s: run the job again then"
                raise ForgeError(again, status=status)
            await self.clock.sleep(pause)
        raise AssertionError  # the last attempt returns or raises

    async def _sent(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None
    ) -> tuple[Response | None, str]:
        """The answer, and what is wrong if something is."""
        try:
            answer = await send(method, url, headers, content, deadline=_DEADLINE, body_bytes=_BODY_BYTES)
        except NoAnswerError as error:
            return None, f"{self.title}: {error}"
        return answer, self._worded(answer)

    def _pause(self, answer: Response, attempt: int) -> float | None:
        """Seconds until the call may be repeated, or None where that would change nothing."""
        limited = answer.status == HTTPStatus.TOO_MANY_REQUESTS or (
            answer.status == HTTPStatus.FORBIDDEN
            and (answer.retry_after is not None or _left(answer) == "0" or _SECONDARY_WORDS in answer.body)
        )
        if limited:
            return _SECONDARY if (asked := self._asked(answer)) is None else asked
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return answer.retry_after if answer.retry_after is not None else _BACKOFF.seconds(attempt)
        return None

    def _asked(self, answer: Response) -> float | None:
        """What a limit of the rate asks to wait: `Retry-After` first, then the moment of the reset."""
        if answer.retry_after is not None:
            return answer.retry_after
        reset = next((answer.headers[name] for name in _RESETS if name in answer.headers), "")
        if _left(answer) != "0" or not (reset.isascii() and reset.isdigit()):
            return None
        return max(0.0, float(reset) - self.clock.now().timestamp())

    def _worded(self, answer: Response) -> str:
        said = excerpt(answer.body, self.token)
        meaning = _MEANING.get(answer.status, "").format(hint=self.hint)
        return f"{self.title}: {meaning}HTTP {answer.status}{said}"

    def _read(self, answer: Response) -> Any:  # noqa: ANN401
        if not answer.body.strip():
            return None
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError):
            raise ForgeError(
                f"{self.title}: the answer is not JSON: is the address that of an API?"
            ) from None

    def _items(self, answer: Response, items: Callable[[Any], list[Any]]) -> list[Any]:
        try:
            document = items(self._read(answer))
        except (TypeError, KeyError, ValueError):
            document = None
        if document is None or not all(isinstance(item, dict) for item in document):
            raise ForgeError(f"{self.title}: the answer is no list: is the address that of an API?")
        return document


_MEANING: Mapping[int, str] = {
    401: "the token is refused: renew it; ",
    403: "the token may not do this: it needs {hint}; ",
    404: "no such repository or change, or the token may not see it: it needs {hint}; ",
    422: "the request is refused; ",
}


def _left(answer: Response) -> str | None:
    """How many requests are left until the reset, as the host says."""
    return next((answer.headers[name] for name in _LEFT if name in answer.headers), None)


def text_or(answer: object, *keys: str) -> str:
    """The text, or the whole number, that stands at these keys of an answer; or nothing."""
    return _text(answer, keys) or ""


def _text(answer: object, keys: tuple[str, ...]) -> str | None:
    for key in keys:
        answer = answer.get(key) if isinstance(answer, dict) else None
    return None if isinstance(answer, bool) or not isinstance(answer, str | int) else str(answer)
