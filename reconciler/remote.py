"""Where a repository is: a folder, or a URL of a scheme that cannot start a program of its choice.

In comes the text a person wrote; out goes a `Remote`, or None for a local path. No I/O.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from reconciler.errors import ConfigurationError
from reconciler.network import is_loopback
from reconciler.redaction import redacted

_HELPER = re.compile(r"[A-Za-z0-9+.-]*::")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_SCP_LIKE = re.compile(r"(?P<user>[^@/:]+)@(?P<host>\[[^\]/]+\]|[^@/:\[\]]+):(?P<path>.+)")
_CREDENTIALS = re.compile(r"[^/@:\s]:[^/@\s]+@")
_SHORTEST_TOKEN = 8  # a shorter user name is a name, and taking it out of messages would tear words apart
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\x9f]")

_UNPRINTABLE_SECRET = re.compile(r"[\x00-\x1f\x7f]")  # would end a line of what a helper tells git

# What git may speak for each scheme, a rewriting by the user's own `url.*.insteadOf` included.
_PROTOCOLS = {"file": "file", "ssh": "ssh:https", "https": "https:ssh", "http": "http"}

_ACCEPTED = (
    "use a folder, file:///absolute/path, https://host/path, ssh://user@host/path or user@host:path "
    "(http:// only for a loopback address)"
)


@dataclass(frozen=True, slots=True)
class Remote:
    """A repository that is reached through a URL.

    Attributes:
        url: as written, credentials included; never for a message.
        location: what git is told: the URL without the credentials of an `http` or `https` one, which others
            could list among the arguments of git's own helpers.
        scheme: `file`, `ssh`, `https` or `http`.
        shown: the URL for people: credentials and query left out.
        secrets: pieces of the URL that must not appear in any message.
        username: of an `http` or `https` URL, or None.
        password: likewise.
    """

    url: str = field(repr=False)
    location: str = field(repr=False)
    scheme: str
    shown: str
    secrets: tuple[str, ...] = field(default=(), repr=False)
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @property
    def protocols(self) -> str:
        """The value of `GIT_ALLOW_PROTOCOL` for this repository."""
        return _PROTOCOLS[self.scheme]

    def digest(self, branch: str | None) -> str:
        """Names the mirror of one branch: 32 hex digits that stay the same when a password changes."""
        from hashlib import sha256  # noqa: PLC0415 - most repositories are folders

        return sha256(f"{self.shown}\0{branch or ''}".encode()).hexdigest()[:32]

    def redact(self, text: str) -> str:
        """`text` without the secrets of the URL."""
        return redacted(text.replace(self.url, self.shown), self.secrets)


def parse_remote(repo: str) -> Remote | None:
    """The remote that `repo` names, or None when it is a path.

    Raises:
        ConfigurationError: it looks like a URL, and it is none that is accepted.
    """
    if not (_HELPER.match(repo) or _SCHEME.match(repo) or _SCP_LIKE.fullmatch(repo)):
        if _CREDENTIALS.search(repo):  # asked first: no other message may repeat a password
            raise ConfigurationError(
                f"repository: looks like a URL with a password, and is none; {_ACCEPTED}"
            )
        if repo.startswith("-"):
            raise ConfigurationError(
                f"repository {repo!r}: begins with '-'; write ./{repo} if it is a folder"
            )
        return None
    if _HELPER.match(repo):
        helper = repo.partition("::")[0]
        raise ConfigurationError(f"repository URL: the remote helper {helper!r}:: is refused; {_ACCEPTED}")
    if _UNPRINTABLE.search(repo):
        raise ConfigurationError("repository URL: contains a blank or a control character; percent-encode it")
    return _parse_url(repo) if _SCHEME.match(repo) else _parse_scp_like(repo)


def require_remote(text: str) -> Remote:
    """The remote that a text names. Raises ConfigurationError where it names none, which may be a secret."""
    remote = None if text.startswith("-") or _HELPER.match(text) else parse_remote(text)
    if remote is None:
        raise ConfigurationError("is not the URL of a repository, such as https://host/path")
    return remote


def _parse_url(url: str) -> Remote:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise ConfigurationError(f"repository URL: cannot be read; {_ACCEPTED}") from error
    shown = _without_secrets(parts)
    if parts.scheme not in _PROTOCOLS:
        raise ConfigurationError(f"repository URL {shown}: scheme {parts.scheme!r} is refused; {_ACCEPTED}")
    if parts.scheme == "file" and (parts.netloc or not parts.path.startswith("/")):
        raise ConfigurationError(f"repository URL {shown}: write file:///absolute/path, without a host")
    if parts.scheme != "file" and not host:
        raise ConfigurationError(f"repository URL {shown}: has no host; {_ACCEPTED}")
    _refuse_options(shown, host, unquote(parts.username or ""))
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigurationError(
            f"repository URL {shown}: http is refused except for loopback; use https or ssh"
        )
    if parts.scheme not in ("http", "https"):
        return Remote(url, url, parts.scheme, shown, _secrets(parts))
    if parts.query or parts.fragment:
        raise ConfigurationError(
            f"repository URL {shown}: a query or fragment is refused: git would ask for another path; "
            "give a token as https://user:TOKEN@host/path"
        )
    username, password = (
        None if text is None else unquote(text) for text in (parts.username, parts.password)
    )
    if any(_UNPRINTABLE_SECRET.search(text) for text in (username or "", password or "")):
        raise ConfigurationError(f"repository URL {shown}: user or password has a control character")
    return Remote(url, shown, parts.scheme, shown, _secrets(parts), username, password)


def _parse_scp_like(url: str) -> Remote:
    match = _SCP_LIKE.fullmatch(url)
    if match is None:
        raise ConfigurationError(f"repository URL: cannot be read; {_ACCEPTED}")
    _refuse_options(url.rpartition("@")[2], match["host"], match["user"], match["path"])
    return Remote(url, url, "ssh", url)


def _refuse_options(shown: str, *pieces: str) -> None:
    if any(piece.startswith("-") for piece in pieces):
        raise ConfigurationError(f"repository URL {shown}: user, host and path must not begin with '-'")


def _without_secrets(parts: SplitResult) -> str:
    location = parts.netloc.rpartition("@")[2]
    if parts.scheme == "ssh" and parts.username:
        location = f"{parts.username}@{location}"
    return f"{parts.scheme}://{location}{parts.path}"


def _secrets(parts: SplitResult) -> tuple[str, ...]:
    """Longest first, so that no secret is left in half by a shorter one."""
    user = None if parts.scheme == "ssh" or len(parts.username or "") < _SHORTEST_TOKEN else parts.username
    values = [value for _, value in parse_qsl(parts.query)]
    written = [user, parts.password, parts.query, parts.fragment, *values]
    secrets = {text for piece in written if piece for text in (piece, unquote(piece))}
    return tuple(sorted(secrets, key=len, reverse=True))
