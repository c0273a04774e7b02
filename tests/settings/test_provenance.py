"""A secret of the environment goes where the environment or a file given by name says, and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.program import Fleet, modelarts
from tests.relay import relayed

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "canary-of-the-environment"
AUTH = "RECONCILER_TARGETS__PROD__AUTH"


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """A repository with one manifest."""
    made = Fleet(tmp_path / "fleet")
    made.declare("a@1.0.0")
    return made


@pytest.mark.parametrize(
    "variables",
    [
        {f"{AUTH}__METHOD": "token", f"{AUTH}__TOKEN": CANARY},
        {AUTH: f'{{"method": "token", "token": "{CANARY}"}}'},
        {f"{AUTH}__METHOD": "token", f"{AUTH}__TOKEN_ENV": "OTHER", "OTHER": CANARY},
    ],
    ids=["value", "table", "name"],
)
def test_a_secret_of_the_environment_is_not_sent_to_an_endpoint_that_was_found(
    fleet: Fleet, variables: dict[str, str]
) -> None:
    """Whoever wrote the file that lies about would get it: exit code 2, and no request leaves."""
    with relayed() as relay:
        fleet.configure(modelarts(relay.url))
        for command in ("plan", "apply", "doctor"):
            done = fleet(command, **variables)
            assert done.code == 2
            assert f"error: environment {AUTH}" in done.err
            assert "targets.prod.endpoint" in done.err
            assert "RECONCILER_CONFIG" in done.err
            assert CANARY not in done.out + done.err
        assert relay.requests == []


def test_it_is_sent_where_the_file_was_given_or_the_environment_says(fleet: Fleet) -> None:
    """`--config`, `RECONCILER_CONFIG`, or the endpoint in a variable of its own."""
    secret = {f"{AUTH}__METHOD": "token", f"{AUTH}__TOKEN": CANARY}
    with relayed() as relay:
        fleet.configure(modelarts(relay.url))
        assert fleet("plan", "--config", "reconciler.toml", **secret).code == 0
        assert fleet("plan", RECONCILER_CONFIG="reconciler.toml", **secret).code == 0
        fleet.configure(modelarts("https://nowhere.invalid"))
        assert fleet("plan", RECONCILER_TARGETS__PROD__ENDPOINT=relay.url, **secret).code == 0
        assert len(relay.requests) == 3


def test_the_place_of_a_login_counts_as_well(fleet: Fleet) -> None:
    """The password goes there."""
    login = "auth = {method = 'password', iam_endpoint = 'https://nowhere.invalid', username = 'u', "
    fleet.configure(modelarts("https://nowhere.invalid", more=login + "domain = 'd', scope = 's'}"))
    variables = {f"{AUTH}__PASSWORD": CANARY, "RECONCILER_TARGETS__PROD__ENDPOINT": "https://127.0.0.1:9"}
    done = fleet("plan", **variables)
    assert (done.code, "targets.prod.auth.iam_endpoint" in done.err) == (2, True)
    done = fleet("plan", **variables, **{f"{AUTH}__IAM_ENDPOINT": "https://127.0.0.1:9"})
    assert done.code == 3


def test_what_is_no_secret_may_be_in_the_environment(fleet: Fleet) -> None:
    """A name of a user, for instance."""
    fleet.configure(modelarts("https://127.0.0.1:9", more="auth = {method = 'token', token_env = 'OTHER'}"))
    done = fleet("plan", OTHER=CANARY, RECONCILER_TARGETS__PROD__AUTH__METHOD="token")
    assert done.code == 3
