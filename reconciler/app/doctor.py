"""What a setup lacks, and what to do about it. Looks only: nothing is created, nothing is imported."""

from __future__ import annotations

import sys
from contextlib import closing
from http import HTTPStatus
from typing import TYPE_CHECKING

from reconciler.app.crash import crash_told
from reconciler.app.credentials import page_tokens
from reconciler.app.endpoint import examine_endpoint, measure
from reconciler.app.exposure import exposures
from reconciler.app.finding import Finding
from reconciler.app.indexed import reader_of
from reconciler.app.repository import source_of
from reconciler.app.session import require_trust, timing_of
from reconciler.app.sinks import examine_sinks
from reconciler.app.target_kinds import Opening, registry_of
from reconciler.contract import edition
from reconciler.engine.check import check, counted
from reconciler.errors import (
    BudgetError,
    ConfigurationError,
    Exit,
    ReconcilerError,
    RegistryError,
    Unauthorised,
)
from reconciler.phrases import many
from reconciler.proxies import proxy_for
from reconciler.registry.endpoint import parse_endpoint
from reconciler.settings import PasswordAuth
from reconciler.state import check as check_state
from reconciler.state import open_state

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from reconciler.engine.ports import Registry, Source
    from reconciler.engine.vendor import Vendor
    from reconciler.settings import Configuration, Target
    from reconciler.source import GitSource

_READ = 1000  # manifests; more are counted, and `validate` reads them


async def examine(
    configuration: Configuration, only: str | None, watch: float | None = None
) -> list[Finding]:
    """Every finding, in the order in which one depends on the other.

    `watch`: seconds to watch imports for how late the registry's list shows them; None does not.
    """
    names = configuration.chosen(only)
    findings = [
        *_configuration(configuration),
        *exposures(configuration, names),
        *_git(configuration, names),
        _state(configuration),
        *await examine_sinks(configuration),
    ]
    for name in names:
        findings += [finding async for finding in _target(configuration, name, watch)]
    return findings


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


def _git(configuration: Configuration, names: tuple[str, ...]) -> Iterator[Finding]:
    try:
        with closing(source_of(configuration)) as source:
            commit = source.head()
            message = (
                f"{source.followed()['source.repo']} is at {commit[:12]}, following {source.described()}"
            )
            yield Finding("git", "ok", message)
            yield from _trust(configuration, source, commit)
            for trait in source.surroundings():
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
    target, reader = configuration.settings.targets[name], reader_of(configuration, name)
    checked = None
    try:
        snapshot = source.snapshot(commit, target.path)
        files = sum(map(reader.reads, snapshot.files))
        if files <= _READ:
            checked = check(snapshot, source, reader.edition, budgets=reader.budgets)
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


async def _target(configuration: Configuration, name: str, watch: float | None) -> AsyncIterator[Finding]:
    target = configuration.settings.targets[name]
    try:
        with crash_told(name):
            async with registry_of(configuration, name, Opening(acts=False)) as registry:
                for key, endpoint in _endpoints(target, name):
                    async for finding in examine_endpoint(endpoint, key, name):
                        yield finding
                        if finding.level == "error":
                            return
                yield await _listed(registry, name)
                if watch is not None:
                    yield await _delay(configuration, registry, name, watch)
    except ConfigurationError as error:
        remedy = f"correct targets.{name}"
        yield Finding("config", "error", str(error), name, remedy, Exit.CONFIGURATION)
    except ReconcilerError as error:
        yield Finding("registry", "error", str(error), name, "see the message", Exit(error.exit_code))


async def _delay(configuration: Configuration, registry: Registry, name: str, watch: float) -> Finding:
    """How late the list shows what was imported, beside how late `follow.settle` expects it to."""
    measured = await measure(registry, configuration.state_url, name, watch)
    settle, longest = timing_of(configuration, name).settle, measured.longest
    if longest is None:
        message = f"nothing was imported within {watch:g} s, so the list's delay is not known"
        remedy = "nothing is imported for it: run this beside `reconciler run` or `apply` while they import"
        return Finding("list", "warning", message, name, remedy)
    if measured.unseen:
        message = f"{len(measured.unseen)} new models are not listed {longest:.1f} s after their import"
    else:
        message = f"{len(measured.delays)} new models were listed at most {longest:.1f} s after their import"
    if longest > settle:
        remedy = f"set follow.settle, which is {settle:g} s, to at least {2 * longest:.0f}s"
        return Finding("list", "warning", message, name, remedy)
    return Finding("list", "ok", f"{message}; follow.settle is {settle:g} s", name)


def _endpoints(target: Target, name: str) -> Iterator[tuple[str, str]]:
    """Where the target's calls go directly: the key that says so, and the endpoint."""
    if target.endpoint is None:
        return
    given = [(f"targets.{name}.endpoint", target.endpoint)]
    if isinstance(target.auth, PasswordAuth) and target.auth.iam_endpoint != target.endpoint:
        given.append((f"targets.{name}.auth.iam_endpoint", target.auth.iam_endpoint))
    for key, endpoint in given:
        url = parse_endpoint(endpoint)
        if not proxy_for(url.scheme, url.host):
            yield key, endpoint


async def _listed(registry: Registry, name: str) -> Finding:
    """Whether the registry lists the project's models to these credentials: asked once."""
    try:
        models = await registry.list_models()
    except RegistryError as error:
        check, remedy = _blamed(error, name, registry.vendor)
        return Finding(check, "error", str(error), name, remedy, Exit.UNAVAILABLE)
    return Finding("registry", "ok", f"answers, and lists {many(len(models), 'model')}", name)


def _blamed(error: RegistryError, name: str, vendor: Vendor) -> tuple[str, str]:
    """What a refused list is about, and what to do."""
    if vendor.is_about_project(error.code):
        remedy = f"check targets.{name}.project_id, and that targets.{name}.auth is for that project"
        return "project", remedy
    if isinstance(error, Unauthorised) and error.status == HTTPStatus.FORBIDDEN:
        return "permission", f"grant {vendor.listing} to the user of targets.{name}.auth"
    if isinstance(error, Unauthorised):
        return (
            "credentials",
            f"correct targets.{name}.auth; do not try again and again: five failures lock a key",
        )
    return "registry", f"check targets.{name}.endpoint and project_id"
