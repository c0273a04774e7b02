"""The hosts that are known, in the words of their APIs, and where a job stands by the variables they set."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from reconciler.errors import ConfigurationError, ForgeError
from reconciler.forge.api import Api, text_or
from reconciler.forge.host import PART, Comment, Host

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.engine.clock import Clock
    from reconciler.forge.host import Status


_LARGEST = 0xFFFF
"""The last character that CodeArts takes; emoji and rare ideographs come after it."""


class GitHub(Host):
    """GitHub, and GitHub Enterprise: one pull request; its comments are those of an issue.

    https://docs.github.com/en/rest/issues/comments · https://docs.github.com/en/rest/commits/statuses ·
    https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api ·
    https://docs.github.com/en/actions/reference/workflows-and-actions/variables
    """

    title = "GitHub"
    hint = "pull-requests: write and statuses: write"
    most_characters = 65_536  # GitHub's own message of a longer one: "maximum is 65536 characters"
    repository_variables = ("GITHUB_REPOSITORY",)
    base_variables = ("GITHUB_BASE_REF",)
    url_variable = "GITHUB_API_URL"
    token_variable = "GITHUB_TOKEN"  # noqa: S105 - a name
    default_url = "https://api.github.com"
    change_path = "/repos/{repository}/pulls/{change}"
    comments_path = "/repos/{repository}/issues/{change}/comments"
    comment_path = "/repos/{repository}/issues/comments/{comment}"
    statuses_path = "/repos/{repository}/commits/{commit}/statuses"  # the newest first
    status_path = "/repos/{repository}/statuses/{commit}"

    @staticmethod
    def headers(token: str) -> Mapping[str, str]:
        """What carries the token, and the version of the API."""
        return {
            **Host.headers(token),
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }

    async def comments(self) -> Sequence[Comment]:
        """As of every host; the token of a job or an app may not ask whose it is: that is a bot's."""
        try:
            own, keys = await self.user("login"), ("user", "login")
        except ForgeError as error:
            if error.status not in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
                raise
            own, keys = "Bot", ("user", "type")
        return await self.comments_of(self.api.pages(self.path(self.comments_path), {}), own, *keys)


class GitLab(Host):
    """GitLab, of gitlab.com or one's own: one merge request; its comments are called notes.

    https://docs.gitlab.com/api/notes/ · https://docs.gitlab.com/api/commits/#set-commit-pipeline-status ·
    https://docs.gitlab.com/api/rest/#pagination ·
    https://docs.gitlab.com/ci/variables/predefined_variables/
    """

    title = "GitLab"
    hint = "the scope api and the role Developer"
    most_characters = 1_000_000  # docs.gitlab.com/administration/instance_limits: size of comments
    head_keys = ("sha",)
    edits_by = "PUT"
    repository_variables = ("CI_PROJECT_ID", "CI_PROJECT_PATH")
    change_variable = "CI_MERGE_REQUEST_IID"
    head_variables = ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "CI_COMMIT_SHA")
    base_variables = ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME",)
    url_variable = "CI_API_V4_URL"
    token_variable = "GITLAB_TOKEN"  # noqa: S105 - a name
    default_url = "https://gitlab.com/api/v4"
    change_path = "/projects/{repository}/merge_requests/{change}"
    comments_path = f"{change_path}/notes"
    comments_query = MappingProxyType({"order_by": "created_at", "sort": "asc"})
    author_keys = ("author", "id")
    comment_path = f"{comments_path}/{{comment}}"
    statuses_path = "/projects/{repository}/repository/commits/{commit}/statuses"
    status_path = "/projects/{repository}/statuses/{commit}"
    context_key, state_key = "name", "status"
    filters_statuses = True  # and of one name, the newest alone is listed
    state_words = MappingProxyType({"success": "success", "failure": "failed", "error": "failed"})  # no more
    repository_form = rf"\d+|{PART}(?:/{PART})+"
    example = "a number or GROUP/NAME"
    kept_in_names = ""

    @staticmethod
    def headers(token: str) -> Mapping[str, str]:
        """What carries the token."""
        return {"PRIVATE-TOKEN": token}


class Gitee(Host):
    """Gitee: one pull request. It has check runs in place of commit statuses.

    https://gitee.com/api/v5/swagger: `repos/…/pulls/…/comments`, `repos/…/check-runs` ·
    https://help.gitee.com/gitee-go/pipeline/parameter
    """

    title = "Gitee"
    hint = "the scopes pull_requests, notes and user_info"
    most_characters = 60_000  # Gitee documents no limit; every other host but CodeArts takes as much
    repository_variables = ("GITEE_REPOSITORY",)
    change_variable = "GITEE_PULL_ID"
    head_variables = ("GITEE_SOURCE_COMMIT",)
    url_variable = "GITEE_API_URL"
    token_variable = "GITEE_TOKEN"  # noqa: S105 - a name
    default_url = "https://gitee.com/api/v5"
    change_path = "/repos/{repository}/pulls/{change}"
    comments_path = f"{change_path}/comments"
    comments_query = MappingProxyType({"comment_type": "pr_comment"})
    comment_path = "/repos/{repository}/pulls/comments/{comment}"
    state_words = MappingProxyType({"success": "success", "failure": "failure", "error": "cancelled"})

    async def shows(self, commit: str, context: str, status: Status) -> bool:
        """As of every host; the newest check run has the largest id."""
        path = self.path("/repos/{repository}/commits/{commit}/check-runs", commit=commit)
        pages = self.api.pages(path, {"check_name": context}, lambda page: list(page["check_runs"]))
        runs = [one async for one in pages]
        named = [one for one in runs if text_or(one, "name") == context]
        if not named:
            return False
        newest = max(named, key=lambda one: int(self.api.text_at(one, "id")))
        said = (text_or(newest, "conclusion"), text_or(newest, "output", "summary"))
        return said == (self.state_words[status.state], status.description)

    async def set_status(self, commit: str, context: str, status: Status) -> None:
        """As of every host."""
        facts = {
            "name": context,
            "head_sha": commit,
            "status": "completed",
            "conclusion": self.state_words[status.state],
            "output": {"title": context, "summary": status.description},
        }
        await self.api.call("POST", self.path("/repos/{repository}/check-runs"), facts)


class CodeArts(Host):
    """CodeArts Repo of Huawei Cloud, API v4: one merge request; a comment is a discussion of one note.

    It has no commit statuses, and does not tell whose a token is.
    https://support.huaweicloud.com/api-codeartsrepo/: `CreateMergeRequestDiscussion` and the same with
    `List…s`, `Update…` and `Delete…`; `ShowMergeRequestDetail` ·
    https://support.huaweicloud.com/usermanual-pipeline/pipeline_01_0003.html
    """

    title = "CodeArts Repo"
    hint = "codeartsrepo:repository:commentMergeRequest and getMergeRequest"
    most_characters = (
        8_000  # the reference of CreateMergeRequestDiscussion: "Maximum length: 8,000 characters"
    )
    has_statuses = False
    head_keys = ("sha",)
    edits_by = "PUT"
    not_ours = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
    repository_variables = ("CODEARTS_REPOSITORY_ID",)
    change_variable = "MERGE_ID"  # and no variable of its head: COMMIT_ID may be of another repository
    url_variable = "CODEARTS_API_URL"
    token_variable = "CODEARTS_TOKEN"  # noqa: S105 - a name
    change_path = "/v4/repositories/{repository}/merge-requests/{change}"
    comments_path = f"{change_path}/discussions"
    comment_path = f"{comments_path}/{{comment}}"
    repository_form = r"\d+"
    example = "the repository's number"

    @staticmethod
    def headers(token: str) -> Mapping[str, str]:
        """What carries the token: one of IAM."""
        return {"X-Auth-Token": token}

    async def comments(self) -> Sequence[Comment]:
        """The comments of all users; the host refuses an edit of another user's comment."""
        comments = []
        async for discussion in self.api.pages(self.path(self.comments_path), {}, by_offset=True):
            notes = discussion.get("notes")
            if isinstance(notes, list) and notes:
                note = self.api.text_at(notes[0], "id")
                name = f"{self.api.text_at(discussion, 'id')}/notes/{note}"
                comments.append(Comment(name, int(note), text_or(notes[0], "body")))
        return comments

    async def create(self, body: str) -> None:
        """As of every host."""
        facts = {"body": _taken(body), "severity": "suggestion"}
        await self.api.call("POST", self.path(self.comments_path), facts)

    async def edit(self, comment: Comment, body: str) -> bool:
        """As of every host."""
        return await super().edit(comment, _taken(body))


def _taken(body: str) -> str:
    """A comment without the characters that CodeArts refuses."""
    return "".join(character if ord(character) <= _LARGEST else "\ufffd" for character in body)


Forge = Literal["github", "gitlab", "gitee", "codearts"]
FORGES: Mapping[Forge, type[Host]] = {
    "github": GitHub,
    "gitlab": GitLab,
    "gitee": Gitee,
    "codearts": CodeArts,
}


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
