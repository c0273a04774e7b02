"""`comment`: the plan of what a job has checked out, on the change that the job is for."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from reconciler.app.session import Session, open_session
from reconciler.engine.clock import Clock
from reconciler.engine.desired_state_reader import desired_state
from reconciler.engine.options import CycleOptions, Target
from reconciler.engine.plan import plan_digest
from reconciler.engine.values import OF_MANIFESTS, Report, Verdict
from reconciler.errors import ConfigurationError, Exit, UnknownRevisionError
from reconciler.forge import FORGES, Job, Published, Review, Status, host_of, publish
from reconciler.http_request import address_fault
from reconciler.printable import one_line
from reconciler.redaction import concealed
from reconciler.remote import parse_remote
from reconciler.views import markdown
from reconciler.views.words import counted

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from reconciler.secret import Secret
    from reconciler.settings import Configuration

_OF_THE_CHANGE = OF_MANIFESTS | {Verdict.REFUSED}
"""Verdicts that the manifests of a change can be the reason of, where its base is not known.

The others are of what was imported before, and stay as they are whatever is merged: a manifest whose content
changes leaves `failed` and `waiting`, and `missing` is not imported again.
"""
_LONGEST_DESCRIPTION = 140  # characters of a commit status that GitHub takes; GitLab takes 255
_LARGEST_EVENT = 32 * 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What became of a run.

    Attributes:
        published: by target; empty where a newer commit has taken the place of the one planned.
        superseded: whether it is a newer one than this run is for.
    """

    report: Report
    published: Sequence[Published]
    head: str
    superseded: bool


async def review(
    configuration: Configuration, only: str | None, job: Job, secret: Secret, *, only_changes: bool
) -> Reviewed:
    """Plans what is checked out, and puts the plan of each target on the change.

    The configuration's `source.branch` does not count. With `only_changes` a comment is made only where the
    change alters the plan.

    Raises:
        ConfigurationError: the repository is none that a job checked out; there is no such target or token;
            the address is none.
        ForgeError: the host refused, or could not be asked.
        SourceError, StateError, TargetUnusable: as a plan does.
    """
    if (fault := address_fault(job.url)) is not None:
        raise ConfigurationError(f"--url {fault}")
    host = host_of(job, await _token(secret), Clock())
    names = configuration.chosen(only)
    async with open_session(_checked_out(configuration), acts=False, only=only) as session:
        report = await session.engine.cycle(CycleOptions(act=False))
        altered = _altered(session, job, report.commit) if only_changes else None
    head = await host.head()
    if job.head not in (None, head):
        return Reviewed(report, (), head, superseded=True)
    most = FORGES[job.forge].most_characters
    parts = {name: _part(report, name) for name in names}
    quiet = {name for name in names if only_changes and not _tells(parts[name], name, altered)}
    reviews = [_review(part, name, most, says_nothing=name in quiet) for name, part in parts.items()]
    return Reviewed(report, [await publish(host, one, head) for one in reviews], head, superseded=False)


def event_head(environ: Mapping[str, str]) -> str | None:
    """The commit that GitHub's event of a pull request names as the newest; None where there is none."""
    file = environ.get("GITHUB_EVENT_PATH")
    try:
        path = Path(file) if file else None
        if path is None or path.stat().st_size > _LARGEST_EVENT:
            return None
        event = json.loads(path.read_bytes())
        return str(event["pull_request"]["head"]["sha"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None


async def _token(secret: Secret) -> str:
    token = await secret.read()
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise ConfigurationError("the token has characters that no header can carry: give the token alone")
    return token


def _checked_out(configuration: Configuration) -> Configuration:
    """The same with HEAD in place of a branch: a job checks out the merge result, which no branch names."""
    source = configuration.settings.source
    if parse_remote(source.repo) is not None:
        raise ConfigurationError(
            "source.repo is a URL, and `comment` plans what the job has checked out: set "
            f"RECONCILER_SOURCE__REPO to that folder, such as {os.getcwd()}"  # noqa: PTH109 - for a message
        )
    head = source.model_copy(update={"branch": None})
    return replace(configuration, settings=configuration.settings.model_copy(update={"source": head}))


def _part(report: Report, target: str) -> Report:
    """The report on one target, with the digest that `plan --target` gives."""
    items = tuple(item for item in report.items if item.target == target)
    return replace(
        report,
        digest=plan_digest(items),
        items=items,
        failures=tuple(failure for failure in report.failures if failure.target == target),
        unlisted={key: number for key, number in report.unlisted.items() if key[0] == target},
    )


def _altered(session: Session, job: Job, commit: str) -> frozenset[str] | None:
    """The targets of which the change declares something else than its base; None where that is not known.

    Raises:
        ConfigurationError: an option names a base that is not there.
    """
    source = session.source
    if job.base is None:
        return None
    try:
        tip = source.resolve(job.base)
    except UnknownRevisionError as error:
        if not job.base_is_asked_for:
            return None
        raise ConfigurationError(f"--base: {error}; fetch what the change is to be merged into") from None
    base = source.merge_base(commit, tip) or tip  # the branch may have moved on since it was merged in
    return frozenset(
        target.name
        for target in session.engine.targets
        if _declared(session, target, base) != _declared(session, target, commit)
    )


def _declared(session: Session, target: Target, commit: str) -> Counter[Hashable]:
    """What a commit declares of each pair, and what cannot be used: the same gives the same plan.

    What is registered, remembered and due moves on by itself. Where a document stands, who wrote it and what
    is never sent (`metadata`) makes no difference.
    """
    desired = desired_state(session.source, target.index, target.reader, commit, credited=False).desired()
    said: Counter[Any] = Counter((ref.pair, ref.digest) for ref in desired.manifests.values())
    for refs in desired.conflicts.values():
        said.update((ref.pair, ref.digest) for ref in refs)
    for one in desired.invalid:
        reasons = tuple(sorted((reason.code, reason.message) for reason in one.reasons))
        said[one.path, one.model_name, one.model_version, reasons] += 1
    return said


def _tells(report: Report, target: str, altered: frozenset[str] | None) -> bool:
    """Whether the plan has something of the change's own to tell."""
    if altered is not None:
        return target in altered
    return bool(report.failures) or not _OF_THE_CHANGE.isdisjoint(verdict for _, verdict in report.counted())


def _review(report: Report, target: str, most: int, *, says_nothing: bool) -> Review:
    # two hyphens would end an HTML comment for some readers
    marker = f"<!-- model-reconciler plan: {quote(target, safe='').replace('-', '%2D')} -->"
    return Review(
        target,
        marker,
        concealed(markdown.review(report, target, marker, most)),
        f"reconciler/{target}",
        _status(report),
        says_nothing=says_nothing,
    )


def _status(report: Report) -> Status:
    if report.failures:
        return Status("error", one_line(concealed(report.failures[0].message), _LONGEST_DESCRIPTION))
    is_well = report.exit_code() is Exit.OK
    return Status("success" if is_well else "failure", one_line(counted(report), _LONGEST_DESCRIPTION))
