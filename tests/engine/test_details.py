"""Details of many models of a registry that says that requests come too often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.engine.observe import all_details_of
from tests.registry.driving import talk
from tests.registry.scripted import answer, refusal

if TYPE_CHECKING:
    from reconciler.engine.observe import Details
    from reconciler.registry import ModelArtsRegistry

_IDS = [f"m-{number}" for number in range(40)]


async def _no_sleep(_seconds: float) -> None:
    """Pauses between attempts are not what is looked at."""


def _asked(respond: Any) -> tuple[Details, list[float]]:
    """What was read of forty models, and the pauses between two rounds."""
    pauses: list[float] = []

    async def waits(seconds: float) -> None:
        pauses.append(seconds)

    async def use(registry: ModelArtsRegistry) -> Details:
        return await all_details_of(registry, _IDS, 4, waits)

    details, _ = talk(respond, use, sleep=_no_sleep)
    assert not isinstance(details, Exception), details
    return details, pauses


@pytest.mark.parametrize(
    ("busy", "pause"),
    [(refusal(429, "APIG.0308", retry_after="45"), 45.0), (refusal(503, "ModelArts.4302"), 5.0)],
)
def test_a_busy_registry_is_waited_for_and_asked_for_the_rest(busy: bytes, pause: float) -> None:
    """It answers 25 times, then is busy for a while; everything is read in the end, and nothing twice."""
    answers = 0
    silent = 60

    def respond(_request: Any) -> bytes:
        nonlocal answers, silent
        if answers < 25 or not silent:
            answers += 1
            return answer(200, {"model_name": "a"})
        silent -= 1
        return busy

    details, pauses = _asked(respond)
    assert (sorted(details.read), details.unread, answers) == (sorted(_IDS), {}, len(_IDS))
    assert set(pauses) == {pause}


def test_a_registry_that_stays_busy_is_given_up() -> None:
    """After five minutes of waiting in which it told nothing; each model is named with the reason."""
    details, pauses = _asked(lambda _: refusal(429, "APIG.0308", retry_after="100"))
    assert (details.read, sorted(details.unread), sum(pauses)) == ({}, sorted(_IDS), 300.0)


def test_what_is_broken_is_not_waited_for() -> None:
    """Only what says that it is busy is asked again."""
    details, pauses = _asked(lambda _: refusal(400, "ModelArts.0104"))
    assert (details.read, sorted(details.unread), pauses) == ({}, sorted(_IDS), [])
