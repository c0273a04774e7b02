"""The log names each model that comes to need somebody, once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from reconciler.daemon.cycle_job import CycleJob, EventCounter
from reconciler.daemon.tick_log import LINES
from reconciler.embedded import EmbeddedSettings
from tests.daemon.counted import CountedRegistry
from tests.daemon.ticking import ticking
from tests.program import manifest

if TYPE_CHECKING:
    from tests.daemon.ticking import Ticking
    from tests.program import Fleet

FACTS = [
    *("target", "model_name", "model_version", "verdict", "path", "line", "author", "commit", "model_id"),
    *("request_id", "code", "reason", "event", "log_level"),
]


def _lines_of(t: Ticking, event: str) -> list[Any]:
    return [line for line in t.logs if line["event"] == event]


def test_each_model_that_needs_somebody_is_one_warning_and_one_line_when_it_does_no_more(
    fleet: Fleet,
) -> None:
    """With everything that leads to it; the next ticks say nothing, until it is mended."""
    fleet.commit(
        {
            "models.d/bad.yaml": manifest("bad@01.0.0"),
            "models.d/one.yaml": manifest("twice@1.0.0"),
            "models.d/two.yaml": manifest("twice@1.0.0"),
        }
    )
    commit = fleet.repository.git("rev-parse", "HEAD")

    async def work() -> None:
        async with ticking(fleet) as t:
            await t.tick()
            warnings = _lines_of(t, "model needs attention")
            assert {(line["model_name"], line["verdict"], line["code"]) for line in warnings} == {
                ("bad", "invalid", "invalid-value"),
                ("twice", "conflict", "conflict"),
            }
            assert [list(line) for line in warnings] == [FACTS, FACTS]
            assert {line["log_level"] for line in warnings} == {"warning"}
            bad = next(line for line in warnings if line["model_name"] == "bad")
            assert (bad["path"], bad["line"], bad["commit"]) == ("models.d/bad.yaml", 1, commit)
            assert (bad["target"], bad["author"]) == ("prod", "A. Author <author@example.org>")
            t.logs.clear()

            fleet.declare("other@1.0.0")
            await t.tick()
            assert _lines_of(t, "model needs attention") == []

            fleet.commit({"models.d/two.yaml": None, "models.d/bad.yaml": None})
            await t.tick()
            mended = {line["model_name"]: line for line in _lines_of(t, "model needs no attention any more")}
            assert (mended["twice"]["was"], mended["twice"]["log_level"]) == ("conflict", "info")
            assert mended["twice"]["verdict"] in ("publishing", "in-sync")
            assert (mended["bad"]["was"], mended["bad"]["verdict"]) == ("invalid", None)

    asyncio.run(work())


def test_a_rejected_import_is_told_with_its_request_id(fleet: Fleet) -> None:
    """And with the registry's own code."""

    async def work() -> None:
        async with ticking(fleet, CountedRegistry(EmbeddedSettings(quota=0))) as t:
            await t.tick()
            (line,) = _lines_of(t, "model needs attention")
            assert (line["model_name"], line["verdict"]) == ("mnist", "failed")
            assert line["code"].startswith("ModelArts.")
            assert len(line["request_id"]) > 8

    asyncio.run(work())


def test_an_import_that_is_rejected_once_more_is_told_once_more(fleet: Fleet) -> None:
    """Somebody corrected the manifest, and it did not help: that is news, and the ticks after it are none."""

    async def work() -> None:
        async with ticking(fleet, CountedRegistry(EmbeddedSettings(quota=0))) as t:
            await t.tick()
            for description in ("corrected", "once more"):
                t.logs.clear()
                fleet.commit({"models.d/mnist-1.0.0.yaml": manifest("mnist@1.0.0", description=description)})
                await t.tick()
                (line,) = _lines_of(t, "model needs attention")
                assert (line["model_name"], line["verdict"]) == ("mnist", "failed")
                fleet.commit({"README.md": description})
                await t.tick()
                assert len(_lines_of(t, "model needs attention")) == 1

    asyncio.run(work())


def test_an_import_that_fails_between_two_ticks_is_told_when_it_is_followed(fleet: Fleet) -> None:
    """Not with the next commit only."""

    async def work() -> None:
        async with ticking(
            fleet, CountedRegistry(EmbeddedSettings(publish_seconds=0, fail_pattern="mnist"))
        ) as t:
            await t.tick()
            assert _lines_of(t, "model needs attention") == []
            await t.ticker.follow()
            (line,) = _lines_of(t, "model needs attention")
            assert (line["verdict"], line["code"]) == ("failed", "import-failed")
            t.logs.clear()
            await t.tick()
            assert _lines_of(t, "model needs attention") == []

    asyncio.run(work())


def test_what_a_former_process_told_is_one_line_with_numbers_after_a_restart(fleet: Fleet) -> None:
    """The state remembers it."""
    fleet.commit({"models.d/bad.yaml": manifest("bad@01.0.0")})

    async def work() -> None:
        async with ticking(fleet) as t:
            await t.tick()
            t.logs.clear()
            t.ticker = CycleJob(t.world.engine, EventCounter())
            await t.tick()
            assert _lines_of(t, "model needs attention") == []
            (line,) = _lines_of(t, "models need attention since before this start")
            assert (line["invalid"], line["log_level"]) == (1, "warning")
            await t.tick()
            assert len(_lines_of(t, "models need attention since before this start")) == 1

    asyncio.run(work())


def test_very_many_at_once_are_counted_and_not_all_named(fleet: Fleet) -> None:
    """Both when they come and when they go."""
    files = {
        f"models.d/bad{number:03}.yaml": manifest(f"bad{number:03}@01.0.0") for number in range(LINES + 10)
    }
    fleet.commit(files)

    async def work() -> None:
        async with ticking(fleet) as t:
            await t.tick()
            assert len(_lines_of(t, "model needs attention")) == LINES
            (rest,) = _lines_of(t, "more models need attention")
            assert (rest["invalid"], rest["log_level"]) == (10, "warning")
            fleet.commit(dict.fromkeys(files))
            await t.tick()
            assert len(_lines_of(t, "model needs no attention any more")) == LINES
            (rest,) = _lines_of(t, "more models need no attention any more")
            assert rest["models"] == 10

    asyncio.run(work())


def test_a_registry_that_is_away_says_nothing_of_its_models(fleet: Fleet) -> None:
    """What needed somebody still does."""
    fleet.commit({"models.d/bad.yaml": manifest("bad@01.0.0")})

    async def work() -> None:
        async with ticking(fleet) as t:
            await t.tick()
            t.logs.clear()
            fleet.declare("other@1.0.0")
            async with t.registry.away():
                await t.tick()
            await t.tick()
            assert (
                _lines_of(t, "model needs attention")
                == _lines_of(t, "model needs no attention any more")
                == []
            )

    asyncio.run(work())


def test_every_model_that_a_cycle_judged_is_a_line_for_debugging(fleet: Fleet) -> None:
    """`run --verbose` shows them."""
    fleet.declare("other@1.0.0")

    async def work() -> None:
        async with ticking(fleet) as t:
            await t.tick()
            assert {(line["model_name"], line["log_level"]) for line in _lines_of(t, "model")} == {
                ("mnist", "debug"),
                ("other", "debug"),
            }

    asyncio.run(work())
