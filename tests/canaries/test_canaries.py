"""No command shows or keeps a secret, whatever goes wrong and however the secret is spelled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel

from reconciler.embedded import toml_settings
from reconciler.settings import tables, targets
from tests.canaries.echoing import echoing
from tests.canaries.failures import FAILURES
from tests.canaries.site import SECRETS, Site
from tests.canaries.spelling import SPELLINGS, all_spellings, leaks, of_anything, of_header
from tests.program import Fleet

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.long


@pytest.mark.parametrize("failure", FAILURES)
def test_no_command_shows_or_keeps_a_secret(failure: str, tmp_path: Path) -> None:
    """Every command: standard output, standard error, files, and the arguments of git's processes."""
    fleet = Fleet(tmp_path / "fleet")
    fleet.declare("a@1.0.0")
    with echoing() as echo, echoing() as sink, echoing() as host, echoing() as forge:
        echo.also = all_spellings(list(SECRETS.values()))
        sink.also = all_spellings([SECRETS["sink"], SECRETS["signature"]])
        host.also = all_spellings([SECRETS["push"]])
        forge.also = all_spellings([SECRETS["host"]])
        forge.headers["Retry-After"] = "0"  # each of the five tries at once
        site = Site(fleet, echo, sink, host, forge)
        with FAILURES[failure](site):
            for done in site.runs():
                assert leaks(f"{done.out}\n{done.err}".encode()) == []
                assert "Missing argument" not in done.err
        assert leaks(site.kept()) == []
        assert leaks(b"\n".join(echo.processes)) == []


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_canary_is_found_in_each_spelling(spelling: str) -> None:
    """Otherwise the test above would hold of anything."""
    for secret in (of_header("x"), of_anything("x")):
        assert leaks(f"before {SPELLINGS[spelling](secret)} after".encode())


def test_every_setting_that_takes_a_secret_has_a_canary() -> None:
    """A new one joins the configurations of the site."""
    models = [
        model
        for module in (targets, tables, toml_settings)
        for model in vars(module).values()
        if isinstance(model, type) and issubclass(model, BaseModel)
    ]
    secret = {
        name
        for model in models
        for name, field in model.model_fields.items()
        if "SecretStr" in str(field.annotation)
    }
    assert secret == {
        *("secret_key", "security_token", "token", "password", "webhook_secret"),
        *("url", "secret"),  # of a sink
        "push_url",
    }
