"""What a standby does in time, so that a take-over does not wait for it."""

from __future__ import annotations

from contextlib import ExitStack, closing
from datetime import timedelta
from threading import Event
from typing import TYPE_CHECKING

from sqlalchemy import text

from reconciler.daemon.campaign import Campaign
from reconciler.state import open_state
from tests.git_repository import GitRepository
from tests.program import EMBEDDED, Program
from tests.state.conftest import new_postgres_url, postgres_socket

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.state.leases import SqlLeases
    from tests.state.conftest import NewUrl

__all__ = ["new_postgres_url", "postgres_socket"]

_PATIENCE = 100  # seconds
_GIT = "git.repo.base"
_AN_HOUR = timedelta(hours=1)


def _leases(url: str, stack: ExitStack, term: timedelta = _AN_HOUR) -> SqlLeases:
    leases = stack.enter_context(open_state(url, writer=True, term=term)).leases
    assert leases is not None
    return leases


def test_a_standby_looks_again_when_a_lease_ends_and_not_only_when_its_next_look_is_due(
    new_postgres_url: NewUrl,
) -> None:
    """It looks once an hour, and takes over from a leader that died as soon as that one's lease is over."""
    url, leads = new_postgres_url(), Event()
    with ExitStack() as stack:
        _leases(url, stack, timedelta(seconds=1)).take(["prod"])  # and never renews
        campaign = Campaign(_leases(url, stack), ("prod",), renew=3600.0, look=3600.0, on_change=leads.set)
        stack.enter_context(closing(campaign)).start()
        assert leads.wait(_PATIENCE)
        assert campaign.epoch("prod") == 2


def test_a_lease_from_before_the_servers_clock_was_set_back_keeps_nobody_waiting(
    new_postgres_url: NewUrl,
) -> None:
    """Its holder died, and by the clock as it is now it would last for a day."""
    url = new_postgres_url()
    with ExitStack() as stack:
        dead = _leases(url, stack)
        dead.take(["prod"])
        with dead._transaction(writes=True) as connection:
            connection.execute(text("UPDATE lease SET expires_at = expires_at + interval '1 day'"))
        campaign = Campaign(_leases(url, stack), ("prod",))
        stack.enter_context(closing(campaign)).start()
        assert campaign.epoch("prod") == 2


def test_a_standby_has_loaded_what_reads_git_before_it_takes_over(
    tmp_path: Path, new_postgres_url: NewUrl
) -> None:
    """While another leads: the interpreter tells of each module that it loads."""
    GitRepository(tmp_path).commit({"models.d/.keep": ""})
    url = new_postgres_url()
    program = Program(tmp_path, environment={"PYTHONPROFILEIMPORTTIME": "1"})
    program.configure(f'[state]\nurl = "{url}"\n[ha]\nlease = "1h"\n[web]\nenabled = false\n{EMBEDDED}')
    with ExitStack() as stack:
        _leases(url, stack).take(["", "local"])
        process = stack.enter_context(program.spawn("run"))
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        said = next(line for line in lines if _GIT in line or "leading" in line)
    assert _GIT in said
