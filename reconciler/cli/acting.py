"""What `apply` and `retry` share: who acts and on what, and how the process that holds the state is asked."""

from __future__ import annotations

import asyncio
import os
import pwd
import socket
import uuid
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import typer

from reconciler.app.session import is_shared, open_session
from reconciler.cli.interruption import Interruption
from reconciler.cli.report import Progress
from reconciler.cli.terminal import echo_err
from reconciler.engine.guards import moved
from reconciler.engine.last_report import refreshed
from reconciler.engine.options import CycleOptions
from reconciler.engine.plan import plan_digest
from reconciler.engine.values import AS_DECLARED, CycleRequest, Verdict
from reconciler.errors import StateError, StateLockedError
from reconciler.state import open_for_release, open_state

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.clock import Clock
    from reconciler.engine.values import CycleAnswer, ModelState, Report
    from reconciler.settings import Configuration
    from reconciler.state import SqlLedger

_LOOK = 0.2  # seconds between two looks for the answer
_TIMEOUT = timedelta(seconds=60)  # beyond the schedule's own time, for a loop in the middle of a cycle
_HELD = frozenset({Verdict.REFUSED, Verdict.IMPORT})


@dataclass(frozen=True, slots=True)
class Acting:
    """What a command that acts works with.

    Attributes:
        only: the one target that is meant; None for all.
        progress: shows what happens.
        interruption: whether the command was asked to stop.
    """

    settings: Configuration
    only: str | None
    progress: Progress
    interruption: Interruption = field(default_factory=Interruption)

    @classmethod
    def on(cls, settings: Configuration, only: str | None, *, quiet: bool) -> Acting:
        """On all targets, or the only one that is meant."""
        return cls(settings, only, Progress(quiet, names_targets=len(settings.chosen(only)) > 1))


def actor(command: str) -> str:
    """Such as `ada@build-7 (retry)`: the user of this process, by number where it has no name, and its host.

    The environment is not asked: anybody may write anything there.
    """
    uid = os.getuid()
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:
        user = f"uid {uid}"
    return f"{user}@{socket.gethostname()} ({command})"


def hand_over(acting: Acting, confirm: str | None, *, wait: bool) -> Report:
    """Has the process that holds the state carry out one cycle; gives what is remembered after it.

    Raises:
        StateLockedError: no process took the request on in time; it was withdrawn.
        typer.Exit: there was no cycle, for the reason that was printed, or a signal came.
    """
    settings, interruption = acting.settings, acting.interruption

    async def work() -> Report:
        with interruption.heeded() as clock, closing(open_for_release(settings.state_url)) as ledger:
            before = _remembered(acting)
            for name, digest in await requests_to_leaders(settings, acting.only, confirm):
                answer = await _answer(acting, ledger, name, digest, clock)
                if answer is None:
                    raise typer.Exit(interruption.exit_code)
                if answer.message is not None:
                    echo_err(f"error: {answer.message}")
                    raise typer.Exit(answer.exit_code)
            report = await _followed(acting, clock, wait=wait)
        acting.progress.imported.update(_imported(before, report))
        return report

    with acting.progress.shown():
        return asyncio.run(work())


async def _answer(
    acting: Acting, ledger: SqlLedger, target: str | None, confirm: str | None, clock: Clock
) -> CycleAnswer | None:
    """What became of one request; None when a signal came before that is known."""
    schedule = acting.settings.settings.schedule
    timeout = _TIMEOUT + (timedelta(0) if schedule.cron else schedule.every)
    who = actor("apply --confirm" if confirm else "retry")
    request = CycleRequest(uuid.uuid4().hex, confirm, clock.now() + timeout, who, target)
    ledger.requests.ask(request)
    acting.progress.note("another process holds the state: waiting for it to carry this out")
    taken = False
    while (answer := ledger.requests.answered(request)) is None:
        late = clock.now() >= request.expires_at
        if not taken and (late or clock.stopping()):
            taken = not ledger.requests.withdraw(request)
            if not taken and late:
                raise StateLockedError(
                    "the process that holds the state did not take this on in "
                    f"{timeout.total_seconds():.0f} s, and it was withdrawn: nothing was done. Only "
                    "`reconciler run` takes requests; wait for another command to end, and try again"
                )
        if clock.stopping():
            echo_err(
                "the process that holds the state goes on with this: see `reconciler status`"
                if taken
                else "withdrawn: nothing was done"
            )
            return None
        await clock.sleep(_LOOK)
    ledger.requests.forget(request)
    return answer


async def _followed(acting: Acting, clock: Clock, *, wait: bool) -> Report:
    """What is remembered, once no import is unfinished, if that is waited for."""
    deadline = clock.later(acting.settings.settings.follow.deadline.total_seconds())
    while True:
        report = _remembered(acting)
        if report is None:
            raise StateError("the state remembers no cycle, although one was just carried out. Try again.")
        unfinished = any(item.verdict is Verdict.PUBLISHING for item in report.items)
        if not (wait and unfinished) or clock.stopping() or clock.now() >= deadline:
            return report
        await clock.sleep(_LOOK * 5)


def _remembered(acting: Acting) -> Report | None:
    settings = acting.settings
    with closing(open_state(settings.state_url, writer=False)) as ledger:
        report = ledger.last_report()
        return None if report is None else refreshed(report, ledger, settings.chosen(acting.only))


def _imported(before: Report | None, after: Report) -> set[tuple[str, ModelKey]]:
    """The models that were held up before and are registered now."""
    held = {(i.target, i.pair) for i in (before.items if before else ()) if i.verdict in _HELD}
    return {
        (i.target, i.pair)
        for i in after.items
        if i.pair is not None and i.verdict in AS_DECLARED and (i.target, i.pair) in held
    }


async def requests_to_leaders(
    configuration: Configuration, target: str | None, confirm: str | None
) -> Sequence[tuple[str | None, str | None]]:
    """The requests to make, each by its target (None for all) and the digest that is confirmed.

    Several replicas may lead the targets, and none of them can confirm a plan for all: the plan is made here,
    and each leader is asked to confirm its own part, which it plans again. Raises GuardError.
    """
    names = configuration.chosen(target)
    if len(names) == 1 or not is_shared(configuration):
        return [(target or (names[0] if is_shared(configuration) else None), confirm)]
    if confirm is None:
        return [(name, None) for name in names]
    async with open_session(configuration, acts=False, only=target) as session:
        report = await session.engine.cycle(CycleOptions(act=False))
    parts = {
        name: plan_digest(_before_guards(item) for item in report.items if item.target == name)
        for name in names
    }
    if report.digest == confirm:
        return list(parts.items())
    shown = [(name, digest) for name, digest in parts.items() if digest == confirm]  # by that leader's page
    if not shown:
        raise moved("--confirm", confirm, report.digest)
    return shown


def _before_guards(item: ModelState) -> ModelState:
    """The item as it is in a plan's digest: a refusal stands in the place of what was refused."""
    if item.verdict is not Verdict.REFUSED:
        return item
    emptied = any(reason.code == "allow-empty" for reason in item.reasons)
    return item._replace(verdict=Verdict.UNMANAGED if emptied else Verdict.IMPORT)
