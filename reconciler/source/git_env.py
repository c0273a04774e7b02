"""The environment of git: it asks for nothing, and starts nothing that a repository's configuration names.

`GIT_CONFIG_COUNT` (git 2.31) outranks every configuration file, so that what is set here holds whatever the
repository says. The user's own entries in it are kept, before these; so are the user's and the machine's
configuration files, which nobody but the user and the administrator can write, and which may allow a folder
(`safe.directory`) or name a certificate authority.

Of the variables that git itself reads, only those are passed on that say how to reach a remote or where
configuration lies: any other would speak of another repository (as in a hook), or outrank what is set here,
as `GIT_CONFIG_PARAMETERS` does.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.remote import Remote
    from reconciler.source.git_files import Layout

_COUNT = re.compile(r"[0-9]{1,4}")
_PASSED_ON = re.compile(
    r"GIT_(?:SSH(?:_COMMAND|_VARIANT)?|CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM|COUNT|(?:KEY|VALUE)_[0-9]+)|"
    r"(?:SSL|HTTP|PROXY|TRACE|TRACE2|PYTHON)(?:_[A-Z0-9_]+)?|EXEC_PATH|DISCOVERY_ACROSS_FILESYSTEM|"
    r"TEST_ASSUME_DIFFERENT_OWNER)"
)

NOTHING = "/bin/false"

_USERNAME, _PASSWORD = "MODEL_SOURCE_USERNAME", "MODEL_SOURCE_PASSWORD"
_HELPER = f'!printf \'username=%s\\npassword=%s\\n\' "${_USERNAME}" "${_PASSWORD}" #'  # a shell's own printf

# What a repository's configuration could otherwise start, or bend the output with.
_OVERRIDES = (
    ("core.hooksPath", os.devnull),
    ("core.fsmonitor", "false"),
    ("core.alternateRefsCommand", NOTHING),
    ("core.commitGraph", "false"),  # a file beside the commits, which could say other parents than they do
    ("protocol.ext.allow", "never"),
    ("gpg.program", NOTHING),
    ("gpg.openpgp.program", NOTHING),
    ("gpg.x509.program", NOTHING),
    ("gpg.ssh.program", NOTHING),
    ("log.showSignature", "false"),
    ("log.follow", "false"),
    ("diff.orderFile", os.devnull),
    ("submodule.recurse", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("fetch.writeCommitGraph", "false"),
    ("safe.bareRepository", "all"),  # the repository was named by the user
)

# What a fetch lets pass of what `git fsck` calls an error: old and harmless, or about files never read.
_LET_PASS = (
    *("zeroPaddedFilemode", "badFilemode", "badTimezone", "badDateOverflow", "missingSpaceBeforeDate"),
    *("missingNameBeforeEmail", "missingSpaceBeforeEmail", "multipleAuthors", "missingTaggerEntry"),
    *("gitmodulesBlob", "gitmodulesLarge", "gitmodulesMissing", "gitmodulesName", "gitmodulesParse"),
    *("gitmodulesPath", "gitmodulesSymlink", "gitmodulesUpdate", "gitmodulesUrl", "nulInCommit"),
)

_FIXED = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": NOTHING,
    "SSH_ASKPASS": NOTHING,
    "GIT_TRACE_REDACT": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": f"{os.devnull}/none",  # no such file: history is what the commits themselves say
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_DEFAULT_REF_FORMAT": "files",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_GLOB_PATHSPECS": "0",
    "GIT_NOGLOB_PATHSPECS": "0",
    "GIT_ICASE_PATHSPECS": "0",
}


def for_local(layout: Layout) -> dict[str, str]:
    """For a repository on this machine: no transport at all, so nothing is fetched behind one's back.

    The repository is left for git to find from its folder, because only then does git check who owns it.
    """
    ceiling = {"GIT_CEILING_DIRECTORIES": str(layout.folder.parent)}
    return _FIXED | ceiling | {"GIT_ALLOW_PROTOCOL": "none"} | _quarantine(layout) | configuration()


def for_mirror(layout: Layout) -> dict[str, str]:
    """For reading this program's own mirror, which is named explicitly."""
    named = {"GIT_DIR": str(layout.git_dir), "GIT_ALLOW_PROTOCOL": "none"}
    return _FIXED | named | configuration()


def not_passed_on(environment: Mapping[str, str]) -> list[str]:
    """The variables of this process that a git with this environment must not see."""
    return sorted(
        name
        for name in os.environ
        if name.startswith("GIT_") and name not in environment and not _PASSED_ON.fullmatch(name)
    )


def for_remote(layout: Layout, remote: Remote, others: Iterable[tuple[str, str]] = ()) -> dict[str, str]:
    """For talking to `remote`: neither its URL nor its credentials are arguments, which others can list.

    `others` is configuration besides.
    """
    entries = [("remote.source.url", remote.location), ("fetch.fsckObjects", "true")]
    entries += [(f"fetch.fsck.{name}", "ignore") for name in _LET_PASS]
    if remote.scheme == "http":
        entries.append(("http.followRedirects", "false"))
    if remote.scheme == "file":
        there = ("GIT_ALLOW_PROTOCOL", "GIT_NO_LAZY_FETCH", "GIT_NO_REPLACE_OBJECTS", "GIT_GRAFT_FILE")
        pins = " ".join(f"{name}={_FIXED.get(name, 'none')}" for name in there)
        entries.append(("remote.source.uploadPack", f"{pins} git-upload-pack"))
    has_own_ssh = "GIT_SSH_COMMAND" in os.environ or "GIT_SSH" in os.environ
    ssh = {} if has_own_ssh else {"GIT_SSH_COMMAND": "ssh -oBatchMode=yes"}
    variables, secrets = _credentials(remote)
    allowed = {"GIT_ALLOW_PROTOCOL": remote.protocols}
    return for_mirror(layout) | allowed | ssh | secrets | configuration([*entries, *variables, *others])


def _credentials(remote: Remote) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """Configuration and variables with which git answers a server that asks who it is; that server alone.

    A password of the URL is the only one that is tried, and is stored by no helper of the user's. A name
    alone tells those helpers whose password is meant.
    """
    if remote.username is None and remote.password is None:
        return [], {}
    key = f"credential.{'/'.join(remote.location.split('/')[:3])}"
    if remote.password is None:
        return [(f"{key}.username", remote.username or "")], {}
    secrets = {_USERNAME: remote.username or "", _PASSWORD: remote.password}
    return [(f"{key}.helper", ""), (f"{key}.helper", _HELPER)], secrets


def configuration(entries: Iterable[tuple[str, str]] = ()) -> dict[str, str]:
    """`GIT_CONFIG_COUNT` and its keys and values: the user's own, then the fixed ones, then `entries`."""
    own = os.environ.get("GIT_CONFIG_COUNT", "")
    first = int(own) if _COUNT.fullmatch(own) else 0
    variables: dict[str, str] = {}
    index = first
    for index, (key, value) in enumerate((*_OVERRIDES, *entries), start=first):
        variables |= {f"GIT_CONFIG_KEY_{index}": key, f"GIT_CONFIG_VALUE_{index}": value}
    return {"GIT_CONFIG_COUNT": str(index + 1), **variables}


def _quarantine(layout: Layout) -> dict[str, str]:
    """Where the objects of a push lie while a hook of this very repository decides about it."""
    place = os.environ.get("GIT_QUARANTINE_PATH")
    objects = layout.common_dir / "objects"
    if not place or Path(place).resolve().parent != objects.resolve():
        return {}
    escaped = str(objects).replace("\\", "\\\\").replace('"', '\\"')
    return {"GIT_OBJECT_DIRECTORY": place, "GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{escaped}"'}
