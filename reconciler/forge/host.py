"""One change on the host of a repository: what is asked of every host, and what is published there.

One comment and one status a target, whatever other runs do at the same time. Two runs that find no comment
both add one. So each looks again after it has added its own: the oldest stays and is given the newest words,
the others are removed. Whichever run looks last sees all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args
from urllib.parse import quote

from reconciler.errors import ForgeError
from reconciler.forge.api import OutcomeOpen, text_or

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping, Sequence

    from reconciler.forge.api import Api


PART = r"(?!\.{1,2}(?:/|$))[\w.-]+"
"""A part of a repository's name."""

State = Literal["success", "failure", "error"]
_AS_THEY_ARE: Mapping[State, str] = MappingProxyType({word: word for word in get_args(State)})


@dataclass(frozen=True, slots=True)
class Status:
    """A commit status.

    Attributes:
        state: `failure` needs a human, `error` could not be found out.
        description: one line.
    """

    state: State
    description: str


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment of a change that may be this program's.

    Attributes:
        comment_id: names it in the host's API.
        age: older comments have smaller numbers.
    """

    comment_id: str
    age: int
    body: str


@dataclass(frozen=True, slots=True)
class Review:
    """What is to be said of one target.

    Attributes:
        marker: what the comment is found by; it stands in the body, and nobody sees it.
        body: the comment.
        context: the name of the commit status.
        says_nothing: there is nothing to tell that a comment would have to be made for.
    """

    target: str
    marker: str
    body: str
    context: str
    status: Status
    says_nothing: bool


@dataclass(frozen=True, slots=True)
class Host:
    """One change on one host. Every call raises ForgeError where the host refuses or does not answer.

    Attributes:
        title: the host's name for people.
        hint: what the token has to be allowed to do.
        most_characters: of a comment.
        has_statuses: whether the host's API has commit statuses.
        head_keys: where the newest commit stands in the answer about a change.
        edits_by: the method that changes a comment.
        not_ours: the statuses for a comment that is gone, or somebody else's.
        repository_variables, head_variables, base_variables: of a job; the first that is set counts.
        change_variable, url_variable, token_variable: likewise; a change without one is in `GITHUB_REF`.
        default_url: of the API where no variable names one; None where there is none.
        change_path, comments_path, comment_path, statuses_path, status_path: of the API, see `path`.
        comments_query: of the list of comments.
        author_keys: where a comment that is listed has its author.
        context_key, state_key: where name and state stand in a status that is listed.
        filters_statuses: whether the list may be of one name.
        state_words: the host's word for each state.
        repository_form, example: a pattern of what repositories are called, and such a name.
        kept_in_names: what of a repository's name stands in a path as it is.
    """

    title: ClassVar[str]
    hint: ClassVar[str]
    most_characters: ClassVar[int]
    has_statuses: ClassVar[bool] = True
    head_keys: ClassVar[tuple[str, ...]] = ("head", "sha")
    edits_by: ClassVar[str] = "PATCH"
    not_ours: ClassVar[Collection[int]] = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
    repository_variables: ClassVar[tuple[str, ...]]
    head_variables: ClassVar[tuple[str, ...]] = ()
    base_variables: ClassVar[tuple[str, ...]] = ()
    change_variable: ClassVar[str | None] = None
    url_variable: ClassVar[str]
    token_variable: ClassVar[str]
    default_url: ClassVar[str | None] = None
    change_path: ClassVar[str]
    comments_path: ClassVar[str]
    comments_query: ClassVar[Mapping[str, str]] = MappingProxyType({})
    author_keys: ClassVar[tuple[str, ...]] = ("user", "id")
    comment_path: ClassVar[str]
    statuses_path: ClassVar[str]
    status_path: ClassVar[str]
    context_key: ClassVar[str] = "context"
    state_key: ClassVar[str] = "state"
    filters_statuses: ClassVar[bool] = False
    state_words: ClassVar[Mapping[State, str]] = _AS_THEY_ARE
    repository_form: ClassVar[str] = f"{PART}/{PART}"
    example: ClassVar[str] = "OWNER/NAME"
    kept_in_names: ClassVar[str] = "/"

    api: Api
    repository: str
    change: int

    @staticmethod
    def headers(token: str) -> Mapping[str, str]:
        """What carries the token."""
        return {"Authorization": f"Bearer {token}"}

    def path(self, template: str, **names: str) -> str:
        """A path of the host's API, with this repository and this change, and these names."""
        repository = quote(self.repository, safe=self.kept_in_names)
        return template.format(repository=repository, change=self.change, **names)

    async def comments(self) -> Sequence[Comment]:
        """The comments that the token's user may have written, in any order."""
        written = self.api.pages(self.path(self.comments_path), self.comments_query)
        return await self.comments_of(written, await self.user(self.author_keys[-1]), *self.author_keys)

    async def shows(self, commit: str, context: str, status: Status) -> bool:
        """Whether the newest status of that name says exactly this."""
        path, query = self.path(self.statuses_path, commit=commit), {self.context_key: context}
        async for one in self.api.pages(path, query if self.filters_statuses else {}):
            if text_or(one, self.context_key) == context:
                said = (text_or(one, self.state_key), text_or(one, "description"))
                return said == (self.state_words[status.state], status.description)
        return False

    async def set_status(self, commit: str, context: str, status: Status) -> None:
        """Adds a status to a commit."""
        facts = {
            "state": self.state_words[status.state],
            self.context_key: context,
            "description": status.description,
        }
        await self.api.call("POST", self.path(self.status_path, commit=commit), facts)

    async def head(self) -> str:
        """The newest commit of the change's branch."""
        return self.api.text_at(await self.api.call("GET", self.path(self.change_path)), *self.head_keys)

    async def create(self, body: str) -> None:
        """Adds a comment. Raises OutcomeOpen where nobody knows whether it was added."""
        await self.api.call("POST", self.path(self.comments_path), {"body": body})

    async def edit(self, comment: Comment, body: str) -> bool:
        """Changes a comment; False where it is not there any more, or is somebody else's."""
        path = self.path(self.comment_path, comment=comment.comment_id)
        return await self.api.reaches(self.edits_by, path, {"body": body}, unless=self.not_ours)

    async def delete(self, comment: Comment) -> None:
        """Removes a comment, unless it is gone already."""
        await self.api.reaches(
            "DELETE", self.path(self.comment_path, comment=comment.comment_id), unless=self.not_ours
        )

    async def user(self, key: str) -> str:
        """Whose the token is, by this key of the host's answer."""
        return self.api.text_at(await self.api.call("GET", "/user"), key)

    async def comments_of(self, written: AsyncIterator[Any], value: str, *keys: str) -> Sequence[Comment]:
        """The comments that have this value at these keys."""
        return [
            Comment(text_or(one, "id"), int(self.api.text_at(one, "id")), text_or(one, "body"))
            async for one in written
            if text_or(one, *keys) == value
        ]


Outcome = Literal["created", "edited", "unchanged", "none"]

_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Published:
    """What became of one review.

    Attributes:
        comment: `none` where there was nothing to say and no earlier comment.
        status_set: whether the commit status was set.
    """

    target: str
    comment: Outcome
    status_set: bool


async def publish(host: Host, review: Review, commit: str) -> Published:
    """Puts a review on its change, whose newest commit is given the status.

    Raises:
        ForgeError: the host refused, or could not be asked.
    """
    comment = await _comment(host, review)
    status_set = host.has_statuses and not await host.shows(commit, review.context, review.status)
    if status_set:
        await host.set_status(commit, review.context, review.status)
    return Published(review.target, comment, status_set)


async def _comment(host: Host, review: Review) -> Outcome:
    created = False
    for _ in range(_ROUNDS):
        ours = _ours(await host.comments(), review)
        kept = await _kept(host, ours, review)
        if kept is not None:
            for surplus in ours:
                if surplus.age > kept.age:
                    await host.delete(surplus)
            return "created" if created else "unchanged" if _same(kept.body, review.body) else "edited"
        if review.says_nothing:
            return "none"
        try:
            await host.create(review.body)
        except OutcomeOpen:
            continue  # the next look tells
        created = True
    raise ForgeError(f"target {review.target}: the comment does not stay: something removes it, or hides it")


def _ours(comments: Sequence[Comment], review: Review) -> list[Comment]:
    """The comments on this target, the oldest first."""
    return sorted((one for one in comments if review.marker in one.body), key=lambda one: one.age)


async def _kept(host: Host, ours: Sequence[Comment], review: Review) -> Comment | None:
    """The oldest comment that is there and may be edited, with the words of this review; as it was before."""
    for comment in ours:
        if _same(comment.body, review.body) or await host.edit(comment, review.body):
            return comment
    return None


def _same(one: str, other: str) -> bool:
    """Hosts give line ends and the last of them in their own way."""
    return one.replace("\r\n", "\n").rstrip() == other.rstrip()
