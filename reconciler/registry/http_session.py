"""One call, until it is answered or given up: pacing, deadline, repetition, and what a failure proves.

A request that never began to leave was certainly not executed. Of an import that did leave, only a
documented answer proves anything; whatever else happens to it is an unknown outcome, and it is not repeated.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import TYPE_CHECKING

import httpx

from reconciler.engine.clock import uptime
from reconciler.errors import IntentTooOld, OutcomeUnknown, RegistryError, RegistryUnavailable, Unreachable
from reconciler.printable import one_line
from reconciler.registry.auth import is_login
from reconciler.registry.codes import Action, disposition
from reconciler.registry.endpoint import tls_problem
from reconciler.registry.exchange import MESSAGE_LIMIT, Response, classify, request_id
from reconciler.registry.limits import TokenBucket, pause
from reconciler.registry.transport import SENT, AnswerTooLarge, Connections

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reconciler.registry.auth import RegistryAuth
    from reconciler.registry.exchange import Request
    from reconciler.registry.limits import Limits
    from reconciler.registry.transport import Observed


class _Attempt:
    """Whether the current attempt at a call has begun to leave this process, and when it is given up."""

    def __init__(self, ends: float) -> None:
        self.sent = False
        self.ends = ends

    def leave(self) -> float:
        """Marks it as sent; gives the seconds for which the network may still carry it."""
        self.sent = True
        return self.ends - uptime()


class HttpSession:
    """All traffic with one target."""

    def __init__(  # noqa: PLR0913 - the parts of a connection
        self,
        endpoint: httpx.URL,
        auth: RegistryAuth,
        limits: Limits,
        *,
        transport: httpx.AsyncBaseTransport | None,
        observed: Observed | None,
        sleep: Callable[[float], Awaitable[None]],
        chance: Callable[[], float],
        clock: Callable[[], float],
    ) -> None:
        """A target that is not connected yet; see `ModelArtsRegistry` for the arguments."""
        self._endpoint = endpoint
        self._origin = str(endpoint.copy_with(path="/")).rstrip("/")
        self._auth = auth
        self._limits = limits
        self._connections = Connections(endpoint, auth, limits, transport=transport, observed=observed)
        self._slots = asyncio.Semaphore(limits.concurrency)
        self._clock = clock
        self._pace = TokenBucket(limits.rate, limits.burst, limits.read_rate, clock)
        self._sleep = sleep
        self._chance = chance

    async def send(self, call: Request, ready: Callable[[], Awaitable[None]] | None = None) -> Response:
        """The successful answer to a call.

        Args:
            call: what to send.
            ready: awaited once, directly before the call is sent for the first time: after a slot, the rate
                limit, a connection and a login. The deadline runs from before it.

        Raises:
            RegistryError: one of its kinds, as `classify` and the way the connection failed decide.
            ConfigurationError: no client can be made with the proxy or the certificates that are configured.
        """
        async with self._slots:
            await self._turn(call)
            if ready is None:
                return await self._within_deadline(call, self._limits.deadline)
            # all that may take its time comes before `ready`: what it writes down is when the call was sent
            await self._log_in(call)
            started = uptime()
            await ready()
            # a process that was stopped here (SIGSTOP, a paused machine) must not send what others may have
            # settled meanwhile; a stop between this line and the first byte is left to the registry's own 409
            took = uptime() - started
            if took > self._limits.fresh:
                raise call.error(
                    IntentTooOld,
                    f"not sent: {took:.1f} s went by while its intent was written to the state, and "
                    f"{self._limits.fresh:g} s are allowed; the disk or the database of state.url is slow, "
                    "or this process was stopped meanwhile",
                )
            return await self._within_deadline(call, self._limits.deadline - took)

    def redact(self, text: str) -> str:
        """A text that a server wrote, without the secrets that were sent to it."""
        return self._auth.redact(text)

    async def aclose(self) -> None:
        """Closes all connections; safe to call twice."""
        await self._connections.aclose()

    async def _turn(self, call: Request) -> None:
        """Waits until the call may start."""
        closed = self._pace.closed_for()
        if closed > (self._limits.brief if call.one_model else self._limits.deadline):
            message = f"not sent: the registry asked for a pause of {closed:.0f} s"
            raise call.error(RegistryUnavailable, message, retry_after=closed)
        await self._start(call)

    async def _start(self, call: Request) -> None:
        """Waits for the next start that the rate allows."""
        await self._sleep(self._pace.reserve(write=call.method != "GET"))

    async def _log_in(self, call: Request) -> None:
        """Sends whatever the flow has to send before it sends the call itself, which it does not."""
        request = httpx.Request(call.method, _url(f"{self._origin}{call.path}"), content=call.body)
        flow = self._auth.async_auth_flow(request)
        attempt = _Attempt(uptime() + self._limits.deadline)
        try:
            with self._connections.one() as client:
                async with asyncio.timeout(self._limits.deadline):
                    login = await anext(flow)
                    while login is not request:
                        login = await flow.asend(await client.send(login, auth=None))
        except TimeoutError:
            raise _lost(call, f"no login within {self._limits.deadline:g} s", attempt) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise _lost(call, self._reason(error), attempt) from None
        finally:
            await flow.aclose()

    async def _within_deadline(self, call: Request, seconds: float) -> Response:
        attempt = _Attempt(uptime() + seconds)
        try:
            async with asyncio.timeout(seconds):
                return await self._persist(call, attempt)
        except TimeoutError:
            missing = "whole answer" if attempt.sent else "connection or login"
            reason = f"no {missing} within {self._limits.deadline:g} s"
            raise _lost(call, reason, attempt) from None

    async def _persist(self, call: Request, attempt: _Attempt) -> Response:
        most = self._limits.create_attempts if call.write else self._limits.read_attempts
        for number in range(1, most):
            try:
                return await self._once(call, attempt)
            except RegistryUnavailable as error:
                delay = pause(
                    number,
                    first=self._limits.backoff,
                    longest=self._limits.longest_pause,
                    asked=error.retry_after,
                    chance=self._chance(),
                )
                unproven = call.write and error.status is None
                too_long = call.one_model and delay > self._limits.brief
                if unproven or too_long or uptime() + delay >= attempt.ends:
                    raise
                refused = error
            attempt.sent = False
            await self._sleep(delay)
            await self._start(call)
            # a suspended machine's timers stand still, and others may have settled the intent meanwhile
            if uptime() >= attempt.ends:
                raise refused
        return await self._once(call, attempt)

    async def _once(self, call: Request, attempt: _Attempt) -> Response:
        started = self._clock()
        answer = await self._answer(call, attempt)
        if httpx.codes.is_success(answer.status):
            return answer
        error = classify(call, answer.status, answer.headers, answer.body, redact=self.redact)
        if disposition(answer.status, error.code).action is Action.WAIT:
            self._pace.slow_down(started)
            # what is said of one model is a pause for that one; the others go on after a breath
            asked = error.retry_after or 0.0
            self._pace.close_for(min(asked, self._limits.brief) if call.one_model else asked)
        raise error

    async def _answer(self, call: Request, attempt: _Attempt) -> Response:
        """What came back, whatever it says."""
        written = f"{self._origin}{call.path}" + (f"?{call.query}" if call.query else "")
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
        }
        try:
            with self._connections.one() as client:
                extensions = {SENT: attempt.leave}
                async with client.stream(
                    call.method, _url(written), headers=headers, content=call.body, extensions=extensions
                ) as response:
                    body = b"".join([piece async for piece in response.aiter_bytes()])
                    response.stream = _READ  # httpx's own refers back, and both would wait for the collector
        except AnswerTooLarge as error:
            if call.write:
                raise _lost(call, str(error), attempt) from None
            message = f"{error}: ask for smaller pages, or check endpoint"
            raise call.error(RegistryError, message) from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            raise _lost(call, self._reason(error), attempt) from None
        answer_id = request_id(response.headers, redact=self.redact)
        return Response(response.status_code, response.headers, body, answer_id)

    def _reason(self, error: Exception) -> str:
        """Why no answer came: in words for people, and about IAM where the login failed."""
        request = _request_of(error)
        server = request.url if request else self._endpoint
        if request and is_login(request):
            prefix, key = "no login at IAM: ", "iam_endpoint"
        else:
            prefix, key = "", "endpoint"
        return f"{prefix}{tls_problem(error, server) or _words(error, server, key)}"


def _request_of(error: Exception) -> httpx.Request | None:
    try:
        return error.request if isinstance(error, httpx.RequestError) else None
    except RuntimeError:  # httpx's, where nobody said which request it was
        return None


@lru_cache(maxsize=16)  # every import is sent to the same one, and taking a URL apart takes longest of all
def _url(text: str) -> httpx.URL:
    return httpx.URL(text)


_READ = httpx.ByteStream(b"")
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (httpx.PoolTimeout, "no connection became free in time"),
    (httpx.ConnectTimeout, "no connection to {host} in time: check {key}, network and proxy"),
    (httpx.ConnectError, "no connection to {host}: check {key}, network and proxy"),
    (httpx.ProxyError, "the proxy refuses: check HTTPS_PROXY and NO_PROXY"),
    (httpx.LocalProtocolError, "the request cannot be written"),
    (httpx.RemoteProtocolError, "the connection ended before the whole answer, or the answer is not HTTP"),
    (httpx.ReadTimeout, "no answer in time"),
    (httpx.WriteTimeout, "the request could not be sent in time"),
    (httpx.DecodingError, "the answer cannot be decoded"),
    (httpx.NetworkError, "the connection broke"),
    (OSError, "no connection could be prepared"),
)


def _words(error: Exception, server: httpx.URL, key: str) -> str:
    """What httpx's error says; `key` is the setting that names the server."""
    words = next((words for kind, words in _REASONS if isinstance(error, kind)), "the exchange failed")
    words = words.format(host=server.netloc.decode(), key=key)
    if isinstance(error, httpx.ConnectError) and str(error):
        return f"{words} ({one_line(str(error), MESSAGE_LIMIT)})"
    return words


def _lost(call: Request, reason: str, attempt: _Attempt) -> RegistryError:
    if call.write and attempt.sent:
        return call.error(OutcomeUnknown, f"sent, but whether it was executed is not known: {reason}")
    kind = RegistryUnavailable if attempt.sent else Unreachable
    return call.error(kind, f"the registry could not be asked: {reason}")
