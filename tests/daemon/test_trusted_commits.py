"""A night with an unsigned commit: it is pushed, held, told everywhere, and superseded."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from tests.daemon.nights import attention, documented, messages
from tests.daemon.running import SELDOM, inside
from tests.daemon.ticking import ticking
from tests.daemon.waiting import until
from tests.notify.receiving import receiving
from tests.program import EMBEDDED, manifest
from tests.signing import SshKeys

if TYPE_CHECKING:
    from pathlib import Path

    from tests.daemon.nights import Line
    from tests.program import Fleet


def _trusting(fleet: Fleet, folder: Path) -> tuple[SshKeys, str]:
    """Keys, and a configuration with which the commits until now are trusted."""
    keys = SshKeys.made(folder)
    signers = keys.allow(folder / "signers", ada="")
    since = fleet.repository.git("rev-parse", "HEAD")
    return keys, (
        f'[source.verify]\nmode = "range"\nallowed_signers = "{signers}"\nsince = "{since}"\n'
        "[state]\ncompact_after = 0\n"
    )


def test_a_night_with_an_unsigned_commit(fleet: Fleet, tmp_path: Path) -> None:
    """Log, page, metrics and message say which commit and why; all of it ends when it is replaced."""
    keys, verify = _trusting(fleet, tmp_path)

    async def night() -> list[Line]:
        with receiving() as receiver:
            journal: list[Line] = [("ada", "git push")]
            hook = f'[[notify]]\nname = "oncall"\nkind = "webhook"\nurl = "{receiver.url}/hook"\n'
            fleet.configure(EMBEDDED + SELDOM + verify + hook)
            async with inside(fleet) as daemon:
                await daemon.tells("tick", did_imported=1)
                journal.append(("loop", "tick"))
                assert "reconciler_commit_held 0.0" in (await daemon.get("/metrics")).text
                forged = "--author=Ada <ada@example.org>"
                bad = keys.commit(
                    fleet.repository, None, {"models.d/churn.yaml": manifest("churn@1.0.0")}, forged
                )
                line = await daemon.tells("model needs attention")
                assert (line["commit"], line["code"], line["path"]) == (bad, "untrusted-unsigned", "models.d")
                await until(lambda: len(receiver.requests) > 0)
                journal += [("somebody", "git push"), *attention(daemon), *messages(receiver)]
                assert f"commit {bad[:12]} is not signed" in (await daemon.get("/")).text
                metrics = (await daemon.get("/metrics")).text
                assert "reconciler_commit_held 1.0" in metrics
                assert 'reconciler_models{target="local",verdict="refused"} 1.0' in metrics
                fleet.repository.git("reset", "-q", "--hard", "HEAD^")
                good = keys.commit(fleet.repository, "ada", {"models.d/churn.yaml": manifest("churn@1.0.0")})
                await daemon.tells("model needs no attention any more")
                await until(lambda: len(receiver.requests) > 1)
                await daemon.tells("tick", commit=good[:12], did_imported=1)
                assert "reconciler_commit_held 0.0" in (await daemon.get("/metrics")).text
            journal += [("ada", "git push --force-with-lease"), *attention(daemon, 1), *messages(receiver, 1)]
            return [*journal, ("loop", "tick")]

    assert asyncio.run(night()) == documented("audit.md")
    row = fleet.json("history", "churn").json[0]
    assert "verified: signed by ada@example.org" in row["events"][0]["detail"]


def test_another_commit_in_the_place_of_a_held_one_is_told_as_well(fleet: Fleet, tmp_path: Path) -> None:
    """With what is wrong with it: by log and message, and once."""
    keys, verify = _trusting(fleet, tmp_path)

    async def work() -> None:
        with receiving() as receiver:
            hook = f'[[notify]]\nname = "oncall"\nkind = "webhook"\nurl = "{receiver.url}/hook"\n'
            fleet.configure(EMBEDDED + SELDOM + verify + hook)
            async with inside(fleet) as daemon:
                await daemon.tells("tick", did_imported=1)
                for number, (name, code) in enumerate(((None, "unsigned"), ("eve", "unknown-key")), start=1):
                    amend = ["--amend"] if number > 1 else []  # no tick sees the branch without one of them
                    churn = {"models.d/churn.yaml": f"# {number}\n"}
                    bad = keys.commit(fleet.repository, name, churn, *amend)
                    line = await daemon.tells("model needs attention", commit=bad)
                    assert line["code"] == f"untrusted-{code}"
                await until(lambda: len(receiver.requests) > 1)
            codes = [json.loads(request.body)["data"]["reasons"][0]["code"] for request in receiver.requests]
            assert codes == ["untrusted-unsigned", "untrusted-unknown-key"]

    asyncio.run(work())


def test_a_tick_while_a_commit_is_held_costs_nothing(fleet: Fleet, tmp_path: Path) -> None:
    """It is judged once, and told once."""
    keys, verify = _trusting(fleet, tmp_path)

    async def work() -> None:
        async with ticking(fleet, more=verify) as made:
            assert (await made.tick()).outcome == "success"
            while (await made.tick()).outcome != "noop":
                await made.ticker.follow()
            keys.commit(fleet.repository, None, {})
            assert (await made.tick()).outcome == "success"
            done = made.done()
            assert (await made.tick()).outcome == "noop"
            assert made.done() == done

    asyncio.run(work())
