"""`reconciler retry` while `reconciler run` holds the state."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from reconciler.embedded import EmbeddedSettings
from tests.daemon.counted import CountedRegistry
from tests.daemon.running import FOLLOW, SELDOM, events, inside
from tests.daemon.waiting import until

if TYPE_CHECKING:
    from tests.program import Fleet


def test_retry_while_run_is_up_releases_leaves_the_import_to_it_and_tells_the_outcome(fleet: Fleet) -> None:
    """A rejected model: the running process tries it again at once, and it is rejected again."""

    async def work() -> None:
        quota = EmbeddedSettings(publish_seconds=0, quota=0)
        registry = CountedRegistry(quota)
        async with registry:
            fleet.configure(SELDOM + FOLLOW + registry.target().replace('"1s"', '"30s"'))
            async with inside(fleet) as daemon:
                await daemon.tells("tick")
                before = registry.imports
                assert before
                done = await asyncio.to_thread(fleet.process, "retry", "mnist@1.0.0", "--output", "json")
                assert "mnist@1.0.0: released; the process that holds the state goes on with it" in done.err
                assert (done.code, done.verdicts) == (1, {"mnist@1.0.0": "failed"})
                assert registry.imports > before
                await daemon.tells("tick", why="state")

    asyncio.run(work())


def test_retry_while_run_is_up_deletes_a_failed_model_that_run_imports_again(fleet: Fleet) -> None:
    """The model that failed makes room for its successor."""

    async def work() -> None:
        registry = CountedRegistry(EmbeddedSettings(publish_seconds=0, fail_pattern="mnist"))
        async with registry:
            fleet.configure(SELDOM + FOLLOW + registry.target().replace('"1s"', '"30s"'))
            async with inside(fleet) as daemon:
                await daemon.tells("import status updated", did_failed=1)
                done = await asyncio.to_thread(fleet.process, "retry", "mnist@1.0.0", "--yes")
                assert (done.code, "failed" in done.out) == (1, True)
                await until(lambda: registry.imports == 2)
                # told by the follower or by the tick that `retry` asked for, whichever looks first
                await until(lambda: sum(line.get("did_failed", 0) for line in daemon.lines) == 2)
        trail = [e["event"] for e in events(fleet)]
        assert trail == ["import-requested", "imported", "failed", "deleted", *trail[:3]]

    asyncio.run(work())
