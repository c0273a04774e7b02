"""Four hosts of repositories on real sockets, as their API documents say, with one change each.

GitHub: docs.github.com/en/rest · GitLab: docs.gitlab.com/api · Gitee: gitee.com/api/v5/swagger ·
CodeArts Repo: support.huaweicloud.com/api-codeartsrepo, v4.
"""

from __future__ import annotations

import json
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.canaries.spelling import of_header
from tests.relay import Answer, Relay, Request, said, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TOKEN = of_header("host")
HEAD = "a" * 40
CHANGE = 7
ME, STRANGER = 11, 99
REPOSITORIES = {"github": "acme/models", "gitlab": "42", "gitee": "acme/models", "codearts": "4711"}
MOST = {"github": 65_536, "gitlab": 1_000_000, "gitee": 60_000, "codearts": 8_000}
_PREFIX = {"github": "", "gitlab": "/api/v4", "gitee": "/api/v5", "codearts": ""}
_LISTS = {
    "github": r"/repos/acme/models/issues/7/comments",
    "gitlab": r"/projects/42/merge_requests/7/notes",
    "gitee": r"/repos/acme/models/pulls/7/comments",
    "codearts": r"/v4/repositories/4711/merge-requests/7/discussions",
}
_ONE = {
    "github": r"/repos/acme/models/issues/comments/(\d+)",
    "gitlab": r"/projects/42/merge_requests/7/notes/(\d+)",
    "gitee": r"/repos/acme/models/pulls/comments/(\d+)",
    "codearts": r"/v4/repositories/4711/merge-requests/7/discussions/d\d+/notes/(\d+)",
}
_HEADS = {
    "github": r"/repos/acme/models/pulls/7",
    "gitlab": r"/projects/42/merge_requests/7",
    "gitee": r"/repos/acme/models/pulls/7",
    "codearts": r"/v4/repositories/4711/merge-requests/7",
}
_STATUSES = {
    "github": (rf"/repos/acme/models/commits/{HEAD}/statuses", rf"/repos/acme/models/statuses/{HEAD}"),
    "gitlab": (rf"/projects/42/repository/commits/{HEAD}/statuses", rf"/projects/42/statuses/{HEAD}"),
    "gitee": (rf"/repos/acme/models/commits/{HEAD}/check-runs", r"/repos/acme/models/check-runs"),
    "codearts": ("nowhere", "nowhere"),
}
_EDITS = {"github": "PATCH", "gitlab": "PUT", "gitee": "PATCH", "codearts": "PUT"}


@dataclass
class Note:
    """A comment."""

    number: int
    author: int
    body: str


@dataclass
class Stub:
    """One host.

    Attributes:
        notes: the comments of the change, oldest first.
        statuses: what was set, oldest first.
        writes: method and path of each call that changed something.
        faults: gets each request before the host does; what it gives is the answer.
        is_app: the token is that of a job, which may not ask whose it is.
    """

    kind: str
    notes: list[Note] = field(default_factory=list)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    faults: Callable[[Request], Answer | None] = lambda _: None
    is_app: bool = False
    url: str = ""
    head: str = HEAD
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _number: int = 1000

    @property
    def variables(self) -> dict[str, str]:
        """What the host sets in its jobs."""
        return {
            "github": {
                "GITHUB_API_URL": self.url,
                "GITHUB_REPOSITORY": "acme/models",
                "GITHUB_REF": "refs/pull/7/merge",
                "GITHUB_TOKEN": TOKEN,
            },
            "gitlab": {
                "CI_API_V4_URL": self.url,
                "CI_PROJECT_ID": "42",
                "CI_MERGE_REQUEST_IID": "7",
                "GITLAB_TOKEN": TOKEN,
            },
            "gitee": {
                "GITEE_API_URL": self.url,
                "GITEE_REPOSITORY": "acme/models",
                "GITEE_PULL_ID": "7",
                "GITEE_TOKEN": TOKEN,
            },
            "codearts": {
                "CODEARTS_API_URL": self.url,
                "CODEARTS_REPOSITORY_ID": "4711",
                "MERGE_ID": "7",
                "CODEARTS_TOKEN": TOKEN,
            },
        }[self.kind]

    @property
    def own(self) -> list[Note]:
        """The comments of whoever holds the token."""
        return [note for note in self.notes if note.author == ME]

    def say(self, body: str, author: int = STRANGER) -> Note:
        """Adds a comment."""
        with self._lock:
            self._number += 1
            note = Note(self._number, author, body)
            self.notes.append(note)
        return note

    def answer(self, request: Request, _: object = None) -> Answer:
        """Judges one request."""
        fault = self.faults(request)
        if fault is not None:
            return fault
        if not self._is_let_in(request.headers):
            return said(401, {"message": f"Bad credentials {TOKEN}"})
        parts = urlsplit(request.target)
        path = unquote(parts.path).removeprefix(_PREFIX[self.kind])
        query = dict(parse_qsl(parts.query))
        body = json.loads(request.body) if request.body else {}
        if request.method != "GET":
            self.writes.append(f"{request.method} {path}")
        return self._routed(request.method, path, query, body) or said(404, {"message": "Not Found"})

    def _is_let_in(self, headers: dict[str, str]) -> bool:
        given = {name.lower(): value for name, value in headers.items()}
        return {
            "github": given.get("authorization") == f"Bearer {TOKEN}",
            "gitlab": given.get("private-token") == TOKEN,
            "gitee": given.get("authorization") == f"Bearer {TOKEN}",
            "codearts": given.get("x-auth-token") == TOKEN,
        }[self.kind]

    def _routed(self, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> Answer | None:
        reading, writing = _STATUSES[self.kind]
        routes: list[tuple[str, str, Callable[..., Answer | None]]] = [
            ("GET", "nowhere" if self.kind == "codearts" else "/user", self._user),
            ("GET", _HEADS[self.kind], self._change),
            ("GET", _LISTS[self.kind], lambda: self._listed(query)),
            ("POST", _LISTS[self.kind], lambda: self._added(body)),
            ("GET", reading, lambda: self._shown(query)),
            ("POST", writing, lambda: self._set(body)),
            (method, _ONE[self.kind], lambda number: self._one(method, int(number), body)),
        ]
        for verb, pattern, serve in routes:
            match = re.fullmatch(pattern, path)
            if match and verb == method:
                return serve(*match.groups())
        return None

    def _user(self) -> Answer:
        if self.is_app:
            return said(403, {"message": "Resource not accessible by integration"})
        return said(200, {"id": ME, "login": f"u{ME}"})

    def _change(self) -> Answer:
        return said(200, {"head": {"sha": self.head}, "sha": self.head, "iid": CHANGE})

    def _listed(self, query: dict[str, str]) -> Answer:
        with self._lock:
            notes = [self._written(note) for note in self.notes]
        return self._page(notes, query)

    def _page(self, items: list[Any], query: dict[str, str], key: str | None = None) -> Answer:
        if self.kind == "codearts":
            offset, limit = int(query.get("offset", 0)), min(int(query.get("limit", 20)), 100)
            return said(200, items[offset : offset + limit])
        size, page = min(int(query.get("per_page", 30)), 100), int(query.get("page", 1))
        some = items[(page - 1) * size : page * size]
        more = len(items) > page * size
        elsewhere = f'<http://elsewhere.invalid/?page={page + 1}>; rel="next", <{self.url}>; rel="last"'
        links = (("Link", elsewhere),) if more and self.kind != "gitee" else ()
        content: Any = some if key is None else {"total_count": len(items), key: some}
        return Answer(200, json.dumps(content).encode(), headers=links)

    def _added(self, body: dict[str, Any]) -> Answer:
        text = body["body"]
        if len(text) > MOST[self.kind]:
            problem = f"body is too long (maximum is {MOST[self.kind]} characters)"
            return said(422, {"message": "Validation Failed", "errors": [{"message": problem}]})
        if self.kind == "codearts" and any(ord(character) > 0xFFFF for character in text):
            return said(400, {"error_code": "CH.1", "error_msg": "illegal characters"})
        return said(201, self._written(self.say(text, ME)))

    def _one(self, method: str, number: int, body: dict[str, Any]) -> Answer | None:
        with self._lock:
            note = next((note for note in self.notes if note.number == number), None)
            if note is None:
                return None
            if note.author != ME and self.kind == "codearts":
                return said(403, {"error_code": "CH.2", "error_msg": "no permission"})
            if method == "DELETE":
                self.notes.remove(note)
                return Answer(204)
            if method != _EDITS[self.kind]:
                return said(405, {"message": "405 Method Not Allowed"})
            note.body = body["body"]
            return said(200, self._written(note))

    def _written(self, note: Note) -> dict[str, Any]:
        facts = {"id": note.number, "body": note.body}
        if self.kind == "codearts":
            return {"id": f"d{note.number}", "notes": [facts | {"author": {"id": note.author}}]}
        user = {"id": note.author, "login": f"u{note.author}", "type": "User"}
        if self.is_app and note.author == ME:
            user |= {"login": "github-actions[bot]", "type": "Bot"}
        return facts | {"user": user, "author": user}

    def _shown(self, query: dict[str, str]) -> Answer:
        newest = self.statuses[::-1]
        if self.kind == "gitlab":
            newest = [one for one in newest if one["name"] == query["name"]][:1]
            return self._page([{**one, "status": one["state"]} for one in newest], query)
        if self.kind == "gitee":
            runs = [{"id": number, **one} for number, one in enumerate(self.statuses)]
            return self._page(
                [one for one in runs if one["name"] == query["check_name"]], query, "check_runs"
            )
        return self._page(newest, query)

    def _set(self, body: dict[str, Any]) -> Answer:
        same = [one for one in self.statuses if one.get("name") == body.get("name")][-1:]
        if self.kind == "gitlab" and same and same[0]["state"] == body["state"] == "pending":
            return said(400, {"message": "Cannot transition status via :enqueue from :pending"})
        if len(body.get("description", "")) > 140:
            return said(422, {"message": "description is too long (maximum is 140 characters)"})
        self.statuses.append(body)
        return said(201, body)


@contextmanager
def hosting(kind: str) -> Iterator[Stub]:
    """A host while the block runs."""
    stub = Stub(kind)
    with serving(Relay("", stub.answer)) as relay:
        stub.url = relay.url + _PREFIX[kind]
        yield stub
