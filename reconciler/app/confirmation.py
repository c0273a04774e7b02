"""What is asked of whoever leads: one request where one process leads all, and else one for each target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.app.session import is_shared, open_session
from reconciler.engine.checks import moved
from reconciler.engine.options import CycleOptions
from reconciler.engine.plan import plan_digest
from reconciler.engine.values import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.engine.values import ModelState
    from reconciler.settings import Configuration


async def requests_to_leaders(
    configuration: Configuration, target: str | None, confirm: str | None
) -> Sequence[tuple[str | None, str | None]]:
    """The requests to make, each by its target (None for all) and the digest that is confirmed.

    Several replicas may lead the targets, and none of them can confirm a plan for all: the plan is made here,
    and each leader is asked to confirm its own part, which it plans again.

    Raises:
        GuardError: the plan is another one.
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
