"""Git's error messages in words for a person: one sentence, and what to do next."""

from __future__ import annotations

import re

from reconciler.printable import printable

_LONGEST = 300  # characters of git's own words that are repeated
_REASON = re.compile(r"(?:fatal|error): ?(.*)")
_SPOKEN = re.compile(r"(?:ssh|remote|kex_exchange_identification): ?(.*)|(.*(?:denied|failed|rejected).*)")
_PROGRESS = re.compile(r"\b\d+% \(\d+/\d+\)|, done\.$|^(?:remote: ?)?(?:Enumerating|Counting|Total) ")

DAMAGE = re.compile(
    r"bad object|bad tree|not a (?:valid object|tree object)|unable to read|corrupt|loose object|packfile|"
    r"pack has|not our ref|missing (?:blob|tree|commit|object)|did not send all necessary|object file|"
    r"invalid (?:sha1|object)|could not (?:parse|read) (?!from remote|user|pass)|cannot lock ref|"
    r"unable to create .*\.lock|bad config|inflate|mismatched algorithms|shallow line|packed-refs",
    re.IGNORECASE,
)
MALFORMED = re.compile(r"fsck error in|in tree entry|malformed (?:mode|object name)")

_UNSAFE = r"dubious ownership|unsafe repository|safe\.directory"
_REFUSED = (
    r"authentication failed|could not read (?:username|password)|terminal prompts disabled|"
    r"permission denied \(|\b40[13]\b|invalid credentials|access denied"
)
_AUTHORITY = r"certificate|self[- ]signed|unable to get local issuer"
_OTHER_NAME = r"does not match target host|no alternative certificate subject name"
_AWAY = (
    r"could not resolve|couldn't resolve|connection (?:refused|reset|timed out|closed)|unreachable|"
    r"no route|failed to connect|couldn't connect|timed out|unable to access|hung up|early eof"
)
_NOWHERE = r"repository .*not found|does not (?:appear to be|exist)|not a git repository"
_FULL = r"no space left|out of disk ?space|disk quota"
_CONFIGURED = r"bad (?:\w+ )?config|bad zlib compression level"
_PARTIAL = r"transport '.*' not allowed|lazy fetching disabled|promisor"

_TO_ALLOW = (
    "it belongs to another user, so git refuses to read it; run as its owner, or allow it with "
    "`git config --global --add safe.directory '{folder}'`"
)
_TO_COMPLETE = (
    "it is a partial clone: objects are missing and would be fetched from elsewhere, which is not done here; "
    "set source.repo to the URL it was cloned from, or clone it anew without --filter"
)
_TO_REWRITE = (
    "a commit has a tree or a header that git itself calls malformed, so nothing of it is taken and the last "
    "good commit stays in use; take that commit out of the branch"
)
_TO_TRUST = (
    "its certificate is not trusted; renew it if it has expired, or name its authority with `git config "
    "--global http.sslCAInfo FILE` or in GIT_SSL_CAINFO"
)

# The first that fits is taken.
_ADVICE = (
    (_UNSAFE, _TO_ALLOW),
    (r"host key verification failed", "its host key is not known; add it to ~/.ssh/known_hosts"),
    (_REFUSED, "the credentials were refused or missing; set up an SSH key or a git credential helper"),
    (MALFORMED.pattern, _TO_REWRITE),
    (_OTHER_NAME, "its certificate is for another host; correct the host in the URL, or the certificate"),
    (_AUTHORITY, _TO_TRUST),
    (_PARTIAL, _TO_COMPLETE),
    (_AWAY, "it cannot be reached; check the network and the URL. The last good commit stays in use"),
    (_FULL, "the disk is full; make room and try again"),
    (_NOWHERE, "there is no git repository; check source.repo, or whether its files may be read"),
    (_CONFIGURED, "git's configuration there has a value or a line that git refuses; correct it"),
    (DAMAGE.pattern, "objects are missing or damaged; run `git fsck` there, or clone it anew"),
    (r"permission denied", "its files cannot be read; check their permissions"),
)
_ELSEWHERE = re.compile(f"{_UNSAFE}|{_REFUSED}|{_AUTHORITY}|{_AWAY}|{_FULL}", re.IGNORECASE)


def is_damage(stderr: str) -> bool:
    """Whether a fetch failed for what lies here, and not for the way to the remote or what it sent."""
    if MALFORMED.search(stderr):
        return False
    return DAMAGE.search(stderr) is not None or _ELSEWHERE.search(stderr) is None


def explain(stderr: str, folder: str) -> str:
    """What went wrong, and what to do about it, from what git wrote to its standard error, without secrets.

    `folder` is the repository, as the command line of a remedy names it.
    """
    words = _words(stderr)
    for pattern, advice in _ADVICE:
        if re.search(pattern, stderr, re.IGNORECASE):
            return f"{advice.format(folder=printable(folder))} (git: {words})"
    return f"git says: {words}"


def _words(stderr: str) -> str:
    """The lines that tell why, in git's own words, its reasons first; without its progress."""
    lines = [line.strip() for line in re.split(r"[\r\n]+", stderr) if line.strip()]
    lines = [line for line in lines if not _PROGRESS.search(line)]
    reasons = [match[1] for line in lines if (match := _REASON.match(line))]
    spoken = [match[1] or match[2] or "" for line in lines if (match := _SPOKEN.match(line))]
    distinct = dict.fromkeys(filter(None, (*reasons, *spoken)))
    text = printable("; ".join(distinct) or "; ".join(lines[-2:]) or "nothing")
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
