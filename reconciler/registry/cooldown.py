"""Which credentials a server has refused or accepted: a vendor locks a key after a few failures."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from contextlib import AsyncExitStack, asynccontextmanager
from hashlib import sha256
from typing import TYPE_CHECKING

from reconciler.errors import Unauthorised

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import httpx

_SECONDS = 300.0


class CredentialCooldown:
    """Shared by all flows of a process, so that the same wrong key is sent once, whatever the targets.

    Credentials that were never accepted by a host are sent in one request at a time; refused ones are not
    sent again for five minutes, and others are tried at once.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing is known yet; `clock` gives seconds that only ever grow."""
        self._clock = clock
        self._until: dict[str, float] = {}
        self._accepted: set[str] = set()
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def handed_on(self) -> CredentialCooldown:
        """A copy of what is known, for another event loop."""
        other = CredentialCooldown(self._clock)
        other._until |= self._until
        other._accepted |= self._accepted
        return other

    @asynccontextmanager
    async def trial(self, request: httpx.Request, *credentials: str) -> AsyncIterator[Callable[[bool], None]]:
        """Surrounds one request with these credentials; gives what records whether they were refused.

        Raises:
            Unauthorised: they were refused a short time ago; nothing is sent.
        """
        who = sha256(json.dumps([request.url.host, *credentials]).encode()).hexdigest()

        def judge(refused: bool) -> None:
            if refused:
                self._until[who] = self._clock() + _SECONDS
                self._accepted.discard(who)
            else:
                self._accepted.add(who)

        async with AsyncExitStack() as turn:
            if who not in self._accepted:
                await turn.enter_async_context(self._turns[who])
                if who in self._accepted:  # whoever went first proved them meanwhile
                    await turn.aclose()
                else:
                    self._check(who, request)
            yield judge

    def _check(self, who: str, request: httpx.Request) -> None:
        left = self._until.get(who, 0.0) - self._clock()
        if left > 0:
            raise Unauthorised(
                "not sent: these credentials were refused, and too many failures lock them; correct them "
                f"(new ones are used at once), or the same credentials are retried in {left:.0f} s",
                method=request.method,
                path=request.url.path,
            )
