"""Where a job stands: host, repository, change and commit, from options or the variables that hosts set."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.errors import ConfigurationError
from reconciler.forge.api import Api
from reconciler.forge.kinds import FORGES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.engine.clock import Clock
    from reconciler.forge.host import Host
    from reconciler.forge.kinds import Forge

_PULL = re.compile(r"refs/pull/(\d+)/(?:merge|head)")


@dataclass(frozen=True, slots=True)
class Job:
    """What a job is for.

    Attributes:
        url: of the host's API, without a `/` at the end.
        repository: as the host's API names it.
        change: number of the pull or merge request.
        head: the commit that was checked out before it was merged, or None where nobody says.
        base: what the change is to be merged into, as a revision of the checkout; None where nobody says.
        base_is_asked_for: whether an option named it, so that it has to be there.
    """

    forge: Forge
    url: str
    repository: str
    change: int
    head: str | None
    base: str | None = None
    base_is_asked_for: bool = False


def job_of(  # noqa: PLR0913 - the options
    forge: Forge,
    environ: Mapping[str, str],
    *,
    url: str | None = None,
    repository: str | None = None,
    change: int | None = None,
    head: str | None = None,
    base: str | None = None,
) -> Job:
    """Where a job stands; what an option says counts before a variable.

    `base` is any revision, as an option says; a variable names a branch.

    Raises:
        ConfigurationError: something is said nowhere, or is wrong; the message names option and variable.
    """
    host = FORGES[forge]
    said = url or environ.get(host.url_variable) or host.default_url
    named = repository or _first(host.repository_variables, environ)
    if said is None:
        example = "https://codehub-ext.cn-north-4.myhuaweicloud.com"
        raise ConfigurationError(f"--url is missing: give it, or {host.url_variable}, such as {example}")
    if named is None:
        variable = host.repository_variables[0]
        raise ConfigurationError(f"--repository is missing: give it, or {variable}: {host.example}")
    if not re.fullmatch(host.repository_form, named, re.ASCII):
        raise ConfigurationError(f"--repository {named!r}: expected {host.example}")
    number = change if change is not None else _change(host.change_variable, environ)
    newest, branch = head or _first(host.head_variables, environ), _first(host.base_variables, environ)
    merged_into = base or (f"refs/remotes/origin/{branch}" if branch else None)
    return Job(forge, said.rstrip("/"), named, number, newest, merged_into, base is not None)


def _change(variable: str | None, environ: Mapping[str, str]) -> int:
    match = _PULL.fullmatch(environ.get("GITHUB_REF", "")) if variable is None else None
    text = match[1] if match else environ.get(variable or "", "")
    if not (text.isascii() and text.isdigit()):
        raise ConfigurationError(
            "--change is missing: give the number of the pull or merge request, or "
            f"{variable or 'GITHUB_REF'}"
        )
    return int(text)


def _first(names: tuple[str, ...], environ: Mapping[str, str]) -> str | None:
    return next((environ[name] for name in names if environ.get(name)), None)


def host_of(job: Job, token: str, clock: Clock) -> Host:
    """The change that a job is for; `token` lets this program write there."""
    kind = FORGES[job.forge]
    api = Api(kind.title, job.url, kind.headers(token), token, kind.hint, clock)
    return kind(api, job.repository, job.change)
