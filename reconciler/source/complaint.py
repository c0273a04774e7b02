"""What git's complaints mean for the person who reads them: one sentence, and what to do next."""

from __future__ import annotations

import re

from reconciler.source.text import printable

_LONGEST = 300  # characters of git's own words that are repeated
_SPOKEN = re.compile(r"(?:fatal|error|ssh|remote|kex_exchange_identification): ?(.*)|(.*(?:denied|failed).*)")

DAMAGE = re.compile(
    r"bad object|bad tree|not a (?:valid object|tree object)|unable to read|corrupt|loose object|packfile|"
    r"pack has|not our ref|missing (?:blob|tree|commit|object)|did not send all necessary|object file|"
    r"invalid (?:sha1|object)|could not (?:parse|read) (?!from remote|user|pass)|cannot lock ref|"
    r"unable to create .*\.lock|bad config|inflate|mismatched algorithms",
    re.IGNORECASE,
)

_UNSAFE = r"dubious ownership|unsafe repository|safe\.directory"
_REFUSED = (
    r"authentication failed|could not read (?:username|password)|terminal prompts disabled|"
    r"permission denied \(|\b40[13]\b|invalid credentials|access denied"
)
_AWAY = (
    r"could not resolve|couldn't resolve|connection (?:refused|reset|timed out|closed)|unreachable|"
    r"no route|failed to connect|couldn't connect|timed out|unable to access|hung up|early eof"
)
_NOWHERE = r"repository .*not found|does not (?:appear to be|exist)|not a git repository"

_TO_ALLOW = (
    "it belongs to another user, so git refuses to read it; run as its owner, or allow it with "
    "`git config --global --add safe.directory '{folder}'`"
)
_TO_COMPLETE = "it would fetch from elsewhere, which is not done here; of a partial clone, make a full one"

# The first that fits is taken.
_ADVICE = (
    (_UNSAFE, _TO_ALLOW),
    (r"host key verification failed", "its host key is not known; add it to ~/.ssh/known_hosts"),
    (_REFUSED, "the credentials were refused or missing; set up an SSH key or a git credential helper"),
    (_AWAY, "it cannot be reached; check the network and the URL. The last good commit stays in use"),
    (r"transport '.*' not allowed", _TO_COMPLETE),
    (r"no space left|disk quota", "the disk is full; make room and try again"),
    (_NOWHERE, "there is no git repository; check source.repo"),
    (DAMAGE.pattern, "objects are missing or damaged; run `git fsck` there, or clone it anew"),
    (r"permission denied", "its files cannot be read; check their permissions"),
)


def explain(complaints: str, folder: str) -> str:
    """What went wrong, and what to do about it, from what git wrote to its standard error.

    Args:
        complaints: the text, already without secrets.
        folder: the repository, as the command line of a remedy names it.
    """
    words = _words(complaints)
    for pattern, advice in _ADVICE:
        if re.search(pattern, complaints, re.IGNORECASE):
            return f"{advice.format(folder=printable(folder))} (git: {words})"
    return f"git says: {words}"


def _words(complaints: str) -> str:
    """The lines that tell why, in git's own words."""
    lines = [line.strip() for line in re.split(r"[\r\n]+", complaints) if line.strip()]
    spoken = [match[1] or match[2] or "" for line in lines if (match := _SPOKEN.match(line))]
    text = printable("; ".join(dict.fromkeys(filter(None, spoken))) or "; ".join(lines[-2:]) or "nothing")
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
