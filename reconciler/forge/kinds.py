"""The hosts that are known, with what differs between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from reconciler.forge import codearts, gitee, github, gitlab
from reconciler.forge.api import Api

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.engine.clock import Clock
    from reconciler.forge.api import Send
    from reconciler.forge.host import Host
    from reconciler.forge.variables import Job

Forge = Literal["github", "gitlab", "gitee", "codearts"]


@dataclass(frozen=True, slots=True)
class ForgeKind:
    """One kind of host.

    Attributes:
        title: its name for people.
        hint: what the token has to be allowed to do.
        most_characters: of a comment.
        headers: what carries a token.
        make: one change on a host of this kind.
    """

    title: str
    hint: str
    most_characters: int
    headers: Callable[[str], Mapping[str, str]]
    make: Callable[[Api, str, int], Host]


FORGES: Mapping[Forge, ForgeKind] = {
    "github": ForgeKind(
        "GitHub",
        "pull-requests: write and statuses: write",
        65_536,  # GitHub's own message of a longer one: "maximum is 65536 characters"
        github.headers,
        github.GitHub,
    ),
    "gitlab": ForgeKind(
        "GitLab",
        "the scope api and the role Developer",
        1_000_000,  # docs.gitlab.com/administration/instance_limits: size of comments
        gitlab.headers,
        gitlab.GitLab,
    ),
    "gitee": ForgeKind(
        "Gitee",
        "the scopes pull_requests, notes and user_info",
        60_000,  # Gitee documents no limit; every other host but CodeArts takes as much
        gitee.headers,
        gitee.Gitee,
    ),
    "codearts": ForgeKind(
        "CodeArts Repo",
        "codeartsrepo:repository:commentMergeRequest and getMergeRequest",
        8_000,  # the reference of CreateMergeRequestDiscussion: "Maximum length: 8,000 characters"
        codearts.headers,
        codearts.CodeArts,
    ),
}


def host_of(job: Job, token: str, send: Send, clock: Clock) -> Host:
    """The change that a job is for.

    Args:
        job: where it is.
        token: what lets this program write there.
        send: sends one request.
        clock: time and sleep.
    """
    kind = FORGES[job.forge]
    api = Api(kind.title, job.url, kind.headers(token), token, kind.hint, send, clock)
    return kind.make(api, job.repository, job.change)
