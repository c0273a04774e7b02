"""The source that is configured."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING

from reconciler.budgets import Budgets
from reconciler.errors import ReconcilerError
from reconciler.settings.raw import PREFIX

if TYPE_CHECKING:
    from reconciler.settings import Configuration
    from reconciler.source import GitSource, TrustRules

_VARIABLE = f"{PREFIX}SOURCE__REPO"


def source_of(configuration: Configuration) -> GitSource:
    """The source, opened; the caller closes it."""
    from reconciler.source import open_source  # noqa: PLC0415 - files of a work tree are read without

    section = configuration.settings.source
    with configuration.located("source", "repo", table="source.repo"):
        return open_source(
            section.repo,
            branch=section.branch,
            cache_dir=configuration.state_dir / "mirrors",
            base=configuration.base,
            setting=_setting(configuration),
            timeout=section.timeout.total_seconds(),
            paths=[target.path for target in configuration.settings.targets.values()],
            budgets=budgets_of(configuration),
        )


def trust_rules(configuration: Configuration) -> TrustRules | None:
    """What makes a commit trusted; None where every one is."""
    section = configuration.settings.source.verify
    if section.mode == "off":
        return None
    from reconciler.source import KeyFiles, TrustRules  # noqa: PLC0415 - only where it is configured

    given = (section.allowed_signers, section.revoked_signers, section.gpg_keyring)
    files = KeyFiles(*(None if file is None else configuration.base / file for file in given))
    return TrustRules(section.mode, files, section.authors, section.since, section.on_failure)


def budgets_of(configuration: Configuration) -> Budgets:
    """How much is read of a commit, and told."""
    return Budgets(**dict(configuration.settings.limits))


def followed(configuration: Configuration) -> tuple[str, str]:
    """Repository and branch that are followed, in words without secrets."""
    try:
        with closing(source_of(configuration)) as source:
            settings, described = source.followed(), source.described()
    except ReconcilerError:
        return "cannot be opened", ""
    folder = configuration.base / settings["source.repo"]
    if folder.is_dir():
        return str(folder.resolve()), described.removeprefix("branch ")
    return settings["source.repo"], settings["source.branch"]


def _setting(configuration: Configuration) -> str:
    """Which setting names the repository, and what a relative folder starts from."""
    section = configuration.settings.source
    if "repo" not in section.model_fields_set:
        return f"source.repo is {section.repo!r} by default, in {configuration.base}"
    where = _VARIABLE if _VARIABLE in os.environ else configuration.file
    return f"source.repo is {section.repo!r} in {where}, from {configuration.base}"
