"""The repository that is configured, and what is kept of its targets, with what decides if it is believed."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING

from reconciler.budgets import Budgets
from reconciler.contract import rules_version
from reconciler.errors import ReconcilerError
from reconciler.phrases import many
from reconciler.settings.raw import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.engine.manifest_parser import ManifestParser
    from reconciler.index import Store, TargetIndex
    from reconciler.settings import Configuration
    from reconciler.source import GitSource, TrustRules
    from reconciler.state import SqlLedger

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


def index_of(configuration: Configuration, *, writes: bool) -> Store:
    """The index of a configuration's targets; without `writes` nothing is made or changed."""
    from reconciler.index import Store  # noqa: PLC0415 - files of a work tree are read without

    return Store(configuration.state_dir / "index.db", writes=writes)


def parser_of(configuration: Configuration, name: str) -> ManifestParser:
    """What reads one target's manifests."""
    from reconciler.contract import edition  # noqa: PLC0415 - not for `history`, as the next
    from reconciler.engine.manifest_parser import KEPT_WHOLE, ManifestParser  # noqa: PLC0415

    target = configuration.settings.targets[name]
    rules = edition(target.edition, strict_config=target.strict_config)
    kept = KEPT_WHOLE // len(configuration.settings.targets)
    return ManifestParser(rules, target.path, budgets_of(configuration), kept)


def part_of(store: Store, configuration: Configuration, name: str) -> TargetIndex:
    """One target's part of the index, for the rules that are in force."""
    target = configuration.settings.targets[name]
    strict = " strict" if target.strict_config else ""
    return store.of(name, f"{target.path} {target.edition}{strict} {rules_version()}")


def renamed_targets(configuration: Configuration, ledger: SqlLedger, names: Iterable[str]) -> Iterator[str]:
    """A note on each of these targets of which nothing is remembered, but by a name that is gone."""
    targets = configuration.settings.targets
    gone = {what: name for name, what in ledger.targets().items() if name not in targets}
    for name in names:
        before = gone.get(targets[name].identity)
        if before is None or ledger.marks(name) or not (entries := len(ledger.entries(before))):
            continue
        yield (
            f"target {name}: nothing is remembered of it, but {many(entries, 'model')} of its registry under "
            f"{before}, a target that is not configured any more. If {name} is its new name, its history, "
            "its back-off and what `retry` has to release stay under the old one, and what is registered is "
            f"adopted; to keep them, call it {before} again"
        )
