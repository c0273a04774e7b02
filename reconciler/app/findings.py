"""What `doctor` finds on this machine: configuration and secrets, git and manifests, sinks, state.

Only what was opened is asked, and nothing is sent.
"""

from __future__ import annotations

import os
import stat
import sys
from contextlib import closing
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, SecretStr

from reconciler.app.credentials import page_tokens, secret_of, webhook_secret
from reconciler.app.repository import parser_of, source_of
from reconciler.app.session import require_trust
from reconciler.contract import edition
from reconciler.engine.validate import check, counted
from reconciler.errors import BudgetError, ConfigurationError, Exit, ReconcilerError
from reconciler.network import is_loopback
from reconciler.phrases import many
from reconciler.settings.secret_texts import sink_url_fault
from reconciler.state import check as check_state
from reconciler.state import open_state

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.engine.ports.git import Source
    from reconciler.settings import Configuration
    from reconciler.source import GitSource

_READ = 1000  # manifests; more are counted, and `validate` reads them
_ENCRYPTED = frozenset({"require", "verify-ca", "verify-full"})

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked.

    Attributes:
        check: what was looked at: config, secrets, web, git, edition, manifests, state, address, tls,
            clock, credentials, project, permission or registry; or a sink, by its name.
        remedy: what to do; None when all is well.
        exit_code: of the process when this is the worst finding.
    """

    check: str
    level: Level
    message: str
    target: str | None = None
    remedy: str | None = None
    exit_code: Exit = Exit.OK


async def local_findings(configuration: Configuration, names: tuple[str, ...]) -> list[Finding]:
    """What is found without asking a registry, in the order in which one depends on the other."""
    return [
        *_configuration(configuration),
        *_security_findings(configuration, names),
        *_git(configuration, names),
        _state(configuration),
        *await _sinks(configuration),
    ]


def _configuration(configuration: Configuration) -> Iterator[Finding]:
    where = configuration.file or "no reconciler.toml: everything defaults"
    python = ".".join(str(part) for part in sys.version_info[:3])
    yield Finding("config", "ok", f"{where}; Python {python}; relative paths start at {configuration.base}")
    for warning in configuration.warnings:
        yield Finding("config", "warning", warning)
    try:
        with configuration.located("web", "token"):
            page_tokens(configuration.base, configuration.settings.web)
    except ReconcilerError as error:
        remedy = "give it as the message says; `run` does not start without it"
        yield Finding("config", "error", str(error), None, remedy, Exit.CONFIGURATION)
    try:
        webhook_secret(configuration.base, configuration.settings.web)()
    except ReconcilerError as error:
        remedy = "give it as the message says; `run` refuses every delivery without it"
        yield Finding("config", "error", str(error), None, remedy, Exit.CONFIGURATION)


def _git(configuration: Configuration, names: tuple[str, ...]) -> Iterator[Finding]:
    try:
        with closing(source_of(configuration)) as source:
            commit = source.head()
            message = (
                f"{source.followed()['source.repo']} is at {commit[:12]}, following {source.described()}"
            )
            yield Finding("git", "ok", message)
            yield from _trust(configuration, source, commit)
            for trait in source.traits():
                yield Finding("git", "ok" if trait.fine else "warning", trait.message)
            for note in source.notes():
                yield Finding("git", "warning", note)
            for name in names:
                rules = edition(configuration.settings.targets[name].edition)
                message = f"{rules.name} follows {rules.source}; last checked against it on {rules.checked}"
                yield Finding("edition", "ok", message, name)
                yield _manifests(configuration, name, source, commit)
    except ReconcilerError as error:
        remedy = "check source.repo and source.branch, and that git can read them"
        yield Finding("git", "error", str(error), remedy=remedy, exit_code=Exit(error.exit_code))


def _trust(configuration: Configuration, source: GitSource, commit: str) -> Iterator[Finding]:
    """Whether the newest commit is trusted, where that is asked."""
    if configuration.settings.source.verify.mode == "off":
        return
    try:
        with closing(open_state(configuration.state_url, writer=False)) as ledger:
            require_trust(configuration, source, ledger, None, writes=False)
            hold = source.judged(commit)
    except ConfigurationError as error:
        remedy = "correct what source.verify names: until then no commit is judged, and nothing is reconciled"
        yield Finding("trust", "error", str(error), None, remedy, Exit.CONFIGURATION)
        return
    if hold is None:
        yield Finding("trust", "ok", f"commit {commit[:12]} is trusted")
    else:
        remedy = "see docs/operations.md, `Of a commit that is not trusted`"
        yield Finding("trust", "error", hold.message, None, remedy, Exit.REFUSED)


def _manifests(configuration: Configuration, name: str, source: Source, commit: str) -> Finding:
    target, parser = configuration.settings.targets[name], parser_of(configuration, name)
    checked = None
    try:
        snapshot = source.snapshot(commit, target.path)
        files = sum(map(parser.reads, snapshot.files))
        if files <= _READ:
            checked = check(snapshot, source, parser.edition, budgets=parser.budgets)
    except BudgetError as error:
        remedy = "remove what was not meant, or raise the limit; until then, what was declared before goes on"
        return Finding("manifests", "error", str(error), name, remedy, Exit.ATTENTION)
    if not snapshot.exists:
        message = f"commit {commit[:12]} has no directory {target.path}{snapshot.instead}"
        remedy = f"commit a first manifest there (`reconciler init` writes one), or set targets.{name}.path"
        return Finding("manifests", "error", message, name, remedy, Exit.UNAVAILABLE)
    command = f"`reconciler validate --commit {commit[:12]} --target {name}`"
    if checked is None:
        message = f"{files:,} files, counted and not read; {command} checks them"
        return Finding("manifests", "ok", message, name)
    message = counted(checked)
    if checked.errors:
        remedy = f"see each with {command}"
        return Finding("manifests", "error", message, name, remedy, Exit.ATTENTION)
    return Finding("manifests", "ok", message, name)


def _state(configuration: Configuration) -> Finding:
    try:
        problems = check_state(configuration.state_url)
    except ReconcilerError as error:
        return Finding("state", "error", str(error), exit_code=Exit(error.exit_code))
    if problems:
        return Finding("state", "error", "; ".join(problems), exit_code=Exit.UNAVAILABLE)
    with closing(open_state(configuration.state_url, writer=False)) as ledger:
        if ledger.exists:
            return Finding("state", "ok", f"sound, with {many(ledger.position(), 'event')} in its journal")
    return Finding("state", "ok", "not there yet: the first `reconciler apply` makes it")


async def _sinks(configuration: Configuration) -> list[Finding]:
    """Whether each sink's secrets can be read, and what it needs is there; nothing is sent."""
    findings = []
    for section in configuration.settings.notify:
        title, problem = f"sink {section.title}", None
        if section.kind == "apprise" and find_spec("apprise") is None:
            problem = "apprise is not installed: pip install 'model-reconciler[notify]'"
        for name in ("url", "secret"):
            secret = secret_of(configuration.base, section, name)
            try:
                text = await secret.read() if secret else None
            except ConfigurationError as error:
                problem = f"{name}: {error}"
                continue
            fault = sink_url_fault(section.kind, text) if text is not None and name == "url" else None
            problem = problem if fault is None else f"url: {fault}"
        remedy = f"correct it, and try it with `reconciler notify test {section.title}`"
        findings.append(
            Finding(title, "error", problem, None, remedy, Exit.CONFIGURATION)
            if problem
            else Finding(title, "ok", f"{section.kind}; `reconciler notify test {section.title}` tries it")
        )
    return findings


def _security_findings(configuration: Configuration, names: tuple[str, ...]) -> Iterator[Finding]:
    """A warning for everything that lies more open than it needs to.

    Each of them may be meant, and none of them stops the program.
    """
    for keys, section in _sections(configuration, names):
        for name in section.model_fields_set:
            value = getattr(section, name)
            if isinstance(value, SecretStr):
                yield from _inline(configuration, (*keys, name))
            elif name.endswith("_file") and value is not None:
                yield from _readable(configuration.base / value, ".".join((*keys, name)))
    yield from _passwords_in_urls(configuration)
    yield from _listening(configuration)
    yield from _unencrypted_state(configuration)


def _sections(
    configuration: Configuration, names: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], BaseModel]]:
    """The tables that may hold secrets, each with its keys."""
    yield ("web",), configuration.settings.web
    yield ("audit",), configuration.settings.audit
    for name in names:
        auth = configuration.settings.targets[name].auth
        if auth is not None:
            yield ("targets", name, "auth"), auth


def _inline(configuration: Configuration, keys: tuple[str, ...]) -> Iterator[Finding]:
    place = configuration.place(*keys)
    if place.startswith("environment "):
        return
    key = ".".join(keys)
    remedy = f"change the secret, and name where the new one is with {keys[-1]}_file or {keys[-1]}_env"
    yield Finding("secrets", "warning", f"{place}: {key}: the secret itself is in the file", None, remedy)


def _readable(file: Path, key: str) -> Iterator[Finding]:
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
    except OSError:
        return  # whoever needs the secret says that it cannot be read
    if mode & stat.S_IROTH:
        message = f"{key}: {file} can be read by every user of this machine (mode {mode:04o})"
        yield Finding("secrets", "warning", message, None, f"chmod o-rwx {file}")


def _passwords_in_urls(configuration: Configuration) -> Iterator[Finding]:
    settings = configuration.settings
    for keys, url in (
        (("source", "repo"), settings.source.repo),
        (("state", "url"), settings.state.url or ""),
    ):
        place = configuration.place(*keys)
        if _password(url) and not place.startswith("environment "):
            message = f"{place}: {'.'.join(keys)}: a password is in the URL"
            variable = f"RECONCILER_{'__'.join(keys).upper()}"
            remedy = f"give the URL in the variable {variable}, or leave the password to "
            remedy += "git's credential helper" if keys[0] == "source" else "PGPASSFILE"
            yield Finding("secrets", "warning", message, None, remedy)


def _password(url: str) -> bool:
    try:
        return "://" in url and bool(urlsplit(url).password)
    except ValueError:
        return False


def _listening(configuration: Configuration) -> Iterator[Finding]:
    web = configuration.settings.web
    has_token = any((web.token, web.token_file, web.token_env))
    if not web.enabled or has_token or web.listen is None or _is_here(web.listen.rpartition(":")[0]):
        return
    message = (
        f"web.listen: {web.listen} can be reached from other machines, and everybody there can read the page"
    )
    remedy = "set web.token_file, or listen on 127.0.0.1 with a proxy in front that knows who may look"
    yield Finding("web", "warning", message, None, remedy)


def _unencrypted_state(configuration: Configuration) -> Iterator[Finding]:
    url = configuration.settings.state.url or ""
    if not url.startswith("postgresql"):
        return
    try:
        parts = urlsplit(url)
        given = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    except ValueError:
        return
    host = given.get("host") or parts.hostname or ""
    mode = given.get("sslmode") or os.environ.get("PGSSLMODE") or "prefer"
    if not host or host.startswith("/") or _is_here(host) or mode in _ENCRYPTED:
        return
    named = "not given" if mode == "prefer" else mode
    message = f"state.url: sslmode is {named}: the connection to {host} may be unencrypted"
    remedy = "add ?sslmode=verify-full&sslrootcert=FILE to state.url, or set PGSSLMODE and PGSSLROOTCERT"
    yield Finding("state", "warning", message, None, remedy)


def _is_here(host: str) -> bool:
    bare = host.strip("[]")
    return not bare or is_loopback(bare)
