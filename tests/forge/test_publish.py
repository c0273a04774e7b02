"""One comment a target and an API that is held to its limits, whatever the host and other runs do."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.engine.clock import Clock
from reconciler.errors import ForgeError
from reconciler.forge import Review, Status, host_of, job_of, publish
from tests.canaries.spelling import leaks
from tests.forge.stub import HEAD, TOKEN, Stub, hosting
from tests.relay import CUT, Answer, said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.forge import Published
    from tests.relay import Request

KINDS = ("github", "gitlab", "gitee", "codearts")
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
MARKER = "<!-- model-reconciler plan: prod -->"


@pytest.fixture(params=KINDS)
def host(request: pytest.FixtureRequest) -> Iterator[Stub]:
    """Each kind of host."""
    with hosting(request.param) as stub:
        yield stub


@pytest.fixture
def github() -> Iterator[Stub]:
    """A host of one kind, where that is enough."""
    with hosting("github") as stub:
        yield stub


@dataclass
class Slept:
    """A clock whose pauses take no time; every one is noted."""

    pauses: list[float] = field(default_factory=list)

    @property
    def clock(self) -> Clock:
        """At noon, and later by each pause."""
        return Clock(now=lambda: NOON + timedelta(seconds=sum(self.pauses)), sleep=self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


def review(text: str = "one", *, says_nothing: bool = False, state: Any = "success") -> Review:
    """What is to be said of the target prod."""
    body = f"### {text}\n\n{MARKER}\n"
    return Review("prod", MARKER, body, "reconciler/prod", Status(state, text), says_nothing)


async def put(stub: Stub, what: Review, slept: Slept | None = None) -> Published:
    """Publishes as the command does."""
    job = job_of(stub.kind, stub.variables)  # type: ignore[arg-type] # the kinds are words here
    return await publish(host_of(job, TOKEN, (slept or Slept()).clock), what, HEAD)


def puts(stub: Stub, what: Review, slept: Slept | None = None) -> Published:
    """The same, to its end."""
    return asyncio.run(put(stub, what, slept))


def test_two_runs_at_once_leave_one_comment(host: Stub) -> None:
    """Both have looked before either adds one."""
    both_looked = threading.Barrier(2)
    first_two = iter(range(2))

    def empty_for_both(request: Request) -> Answer | None:
        if request.method != "GET" or not _is_list(request) or next(first_two, None) is None:
            return None
        both_looked.wait(timeout=100)
        return Answer(200, b"[]")

    host.faults = empty_for_both

    async def both() -> tuple[Published, ...]:
        return await asyncio.gather(put(host, review("one")), put(host, review("two")))

    done = asyncio.run(both())
    (note,) = host.own
    assert note.body in (review("one").body, review("two").body)
    assert {one.comment for one in done} <= {"created", "edited"}
    assert puts(host, review("three")).comment == "edited"
    assert len(host.own) == 1


def test_comments_on_later_pages_are_found(host: Stub) -> None:
    """Behind 250 others; the address of the next page, which names another host, is not followed."""
    for number in range(130):
        host.say(f"no {number}")
    puts(host, review("one"))
    for number in range(120):
        host.say(f"yes {number}")
    assert puts(host, review("two")).comment == "edited"
    assert [note.body for note in host.own] == [review("two").body]


def test_a_comment_that_goes_while_it_is_edited_is_made_anew(host: Stub) -> None:
    """Somebody deletes it between the look and the edit."""
    puts(host, review("one"))

    def deleted_meanwhile(request: Request) -> Answer | None:
        if request.method in ("PATCH", "PUT"):
            host.notes.clear()
        return None

    host.faults = deleted_meanwhile
    assert puts(host, review("two")).comment == "created"
    assert [note.body for note in host.own] == [review("two").body]


def test_surplus_comments_of_ours_are_removed(host: Stub) -> None:
    """The oldest stays."""
    puts(host, review("one"))
    oldest = host.own[0]
    for _ in range(2):
        host.say(review("one").body, author=oldest.author)
    assert puts(host, review("one")).comment == "unchanged"
    assert host.own == [oldest]


def test_a_comment_whose_answer_is_lost_is_not_made_twice(host: Stub) -> None:
    """The connection is cut after the host has carried it out, or before."""
    for carried_out in (True, False):
        host.notes.clear()
        cuts = iter([True])

        def cut(
            request: Request, carried_out: bool = carried_out, cuts: Iterator[bool] = cuts
        ) -> Answer | None:
            if request.method == "POST" and _is_list(request) and next(cuts, False):
                if carried_out:
                    host._added(json.loads(request.body))
                return CUT
            return None

        host.faults = cut
        puts(host, review("one"))
        assert len(host.own) == 1


def test_a_status_is_set_only_on_change(host: Stub) -> None:
    """Of its name: others do not count."""
    host.faults = lambda _: None
    states: tuple[tuple[str, Any], ...] = (
        ("one", "success"),
        ("one", "success"),
        ("two", "success"),
        ("two", "failure"),
        ("two", "failure"),
        ("three", "error"),
        ("three", "error"),
    )
    done = [puts(host, review(text, state=state)).status_set for text, state in states]
    has_statuses = host.kind != "codearts"
    assert done == [has_statuses and fresh for fresh in (True, False, True, True, False, True, False)]


@pytest.mark.parametrize(
    ("limit", "pause"),
    [
        (Answer(429, b"{}", retry_after=7), 7.0),
        (Answer(403, b'{"message": "You have exceeded a secondary rate limit"}', retry_after=30), 30.0),
        (Answer(403, b'{"message": "You have exceeded a secondary rate limit"}'), 60.0),
        (Answer(429, b"{}"), 60.0),
        (Answer(503, b"", retry_after=5), 5.0),
        (Answer(502, b""), 1.0),
        (
            Answer(
                403,
                b"{}",
                headers=(
                    ("X-RateLimit-Remaining", "0"),
                    ("X-RateLimit-Reset", str(int(NOON.timestamp()) + 90)),
                ),
            ),
            90.0,
        ),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
def test_limits_of_the_rate_are_kept(github: Stub, method: str, limit: Answer, pause: float) -> None:
    """What the host asks to wait is waited, and then all goes on; a minute where it names no time."""
    puts(github, review("zero"))
    if method == "POST":
        github.notes.clear()
    left = iter([limit])
    github.faults = lambda request: next(left, None) if request.method == method else None
    slept = Slept()
    puts(github, review("one"), slept)
    assert [note.body for note in github.own] == [review("one").body]
    assert slept.pauses == ([] if method == "POST" and limit.status >= 500 else [pause])


def test_a_host_that_asks_to_wait_for_long_is_not_waited_for(github: Stub) -> None:
    """The job says when to come again."""
    github.faults = lambda _: Answer(429, b"{}", retry_after=3600)
    slept = Slept()
    with pytest.raises(ForgeError, match="asks to wait 3600 s"):
        puts(github, review(), slept)
    assert slept.pauses == []


def test_a_host_that_does_not_come_back_is_given_up(host: Stub) -> None:
    """After a few attempts, within minutes."""
    host.faults = lambda _: Answer(502, b"bad gateway")
    slept = Slept()
    with pytest.raises(ForgeError, match="HTTP 502"):
        puts(host, review(), slept)
    assert slept.pauses == [1.0, 2.0, 4.0, 8.0]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (said(401, {"message": f"Bad credentials {TOKEN}"}), "the token is refused"),
        (said(403, {"message": f"no {TOKEN}"}), "it needs "),
        (said(404, {"message": TOKEN}), "no such repository or change"),
        (said(422, {"message": f"Validation Failed {TOKEN}"}), "Validation Failed"),
        (Answer(200, f"<html>{TOKEN}</html>".encode(), "text/html"), "is not JSON"),
        (said(200, {"message": TOKEN}), "is no list"),
        (Answer(302, b"", headers=(("Location", "http://127.0.0.1:9/"),)), "HTTP 302"),
        (Answer(200, b" " * (9 << 20)), "no answer"),
    ],
)
def test_a_refusal_says_what_to_do_and_no_secret(host: Stub, answer: Answer, expected: str) -> None:
    """What the host repeats of the token is taken out; redirects are not followed."""
    host.faults = lambda request: answer if _is_list(request) else None
    with pytest.raises(ForgeError) as caught:
        puts(host, review())
    assert expected in str(caught.value)
    assert leaks(str(caught.value).encode()) == []
    assert TOKEN not in repr(
        host_of(job_of("github", {"GITHUB_REPOSITORY": "a/b"}, change=1), TOKEN, Clock())
    )


def test_a_comment_that_does_not_stay_is_told(github: Stub) -> None:
    """A host that takes comments and never shows them is not filled with them."""
    github.faults = lambda request: (
        Answer(200, b"[]") if request.method == "GET" and _is_list(request) else None
    )
    with pytest.raises(ForgeError, match="does not stay"):
        puts(github, review())
    assert len(github.own) <= 5


def test_a_list_without_end_is_given_up(github: Stub) -> None:
    """One that always has another page."""
    page = Answer(200, b"[]", headers=(("Link", '<http://x.invalid/>; rel="next"'),))
    github.faults = lambda request: page if _is_list(request) else None
    with pytest.raises(ForgeError, match="did not end"):
        puts(github, review())


def _is_list(request: Request) -> bool:
    path = request.target.partition("?")[0]
    return path.endswith(("/comments", "/notes", "/discussions"))
