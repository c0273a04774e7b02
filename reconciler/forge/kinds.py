"""The hosts that are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from reconciler.forge.api import Api
from reconciler.forge.codearts import CodeArts
from reconciler.forge.gitee import Gitee
from reconciler.forge.github import GitHub
from reconciler.forge.gitlab import GitLab

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.engine.clock import Clock
    from reconciler.forge.host import Host
    from reconciler.forge.variables import Job

Forge = Literal["github", "gitlab", "gitee", "codearts"]

FORGES: Mapping[Forge, type[Host]] = {
    "github": GitHub,
    "gitlab": GitLab,
    "gitee": Gitee,
    "codearts": CodeArts,
}


def host_of(job: Job, token: str, clock: Clock) -> Host:
    """The change that a job is for; `token` lets this program write there."""
    kind = FORGES[job.forge]
    api = Api(kind.title, job.url, kind.headers(token), token, kind.hint, clock)
    return kind(api, job.repository, job.change)
