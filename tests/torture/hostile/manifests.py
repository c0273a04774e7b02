"""Hostile manifest files, through the reader, the planner and every view."""

from __future__ import annotations

import contextlib
import json
import posixpath
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from reconciler.contract import EDITIONS, edition
from reconciler.engine.manifest_parser import ManifestParser
from reconciler.engine.plan import plan_digest, verdicts
from reconciler.engine.planner_input import PlannerInput
from reconciler.engine.validate import check
from reconciler.engine.values import File, Report, Snapshot
from reconciler.manifest import InvalidManifest, Manifest, read
from tests.contract.documents import CONFIG, TEMPLATE, VENDOR_EXAMPLE, minimal, packages
from tests.manifest.examples import DESIGNED, MINIMAL
from tests.torture.hostile.damage import CANARY, as_json, bent, noise, torn
from tests.torture.hostile.looks import NOON, examine, examine_reasons, require

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from random import Random

    from tests.torture.fuzz import Attack

ROOT = "models.d"
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_DOCUMENTS: tuple[dict[str, Any], ...] = (
    minimal(),
    VENDOR_EXAMPLE,
    minimal(dependencies=packages(package_version="1.10", restraint="EXACT"), metadata={"owner": "x"}),
    minimal(initial_config=CONFIG, model_metrics={"f1": 0.5}),
    minimal(initial_config_file="config.json"),
    minimal(model_type="Template", template=TEMPLATE),
    minimal(model_metrics=json.dumps({"f1": 0.5}), apis=json.dumps(VENDOR_EXAMPLE["apis"])),
)
_GOOD = {
    f"{ROOT}/good-{number}.yaml": MINIMAL.replace("mnist", f"good-{number}").encode() for number in range(2)
}
_BESIDE = {f"{ROOT}/config.json": as_json(CONFIG)}


@dataclass
class Heap:
    """Files in memory; a file's blob is its path and its content's number."""

    blobs: dict[str, bytes] = field(default_factory=dict)

    def snapshot(self, files: dict[str, bytes]) -> Snapshot:
        """These files as one commit."""
        self.blobs = {f"{path}\0{hash(data)}": data for path, data in files.items()}
        named = zip(files, self.blobs, strict=True)
        entries = (File(path, blob, "100644", len(self.blobs[blob])) for path, blob in named)
        return Snapshot("0" * 40, ROOT, tuple(sorted(entries, key=lambda file: file.path)))

    def read(self, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """The port."""
        return ((blob, self.blobs[blob]) for blob in blobs)


@contextlib.contextmanager
def attacker(_: Path) -> Iterator[Attack]:
    """One hostile file beside two good ones."""
    readers = {name: ManifestParser(edition(name), ROOT) for name in EDITIONS}
    heap = Heap()
    alone = {
        name: parser.snapshot(heap, heap.snapshot(_GOOD | _BESIDE)).manifests
        for name, parser in readers.items()
    }

    def attack(dice: Random) -> None:
        path, data = hostile_file(dice)
        name = dice.choice(list(EDITIONS))
        results = read(path, data, edition(name), (_GOOD | _BESIDE).get)
        _examine(path, results)
        if dice.random() < 0.25:
            require(read(path, data, edition(name), (_GOOD | _BESIDE).get) == results, "reading is pure")
            snapshot = heap.snapshot(_GOOD | _BESIDE | {path: data})
            desired = readers[name].snapshot(heap, snapshot)
            require(
                {pair: desired.manifests.get(pair) for pair in alone[name]} == dict(alone[name]),
                "a bad file changes no other file's outcome",
            )
            items = verdicts(PlannerInput("local", desired, NOON))
            examine(Report("0" * 40, plan_digest(items), items), dice)
            examine_reasons(check(snapshot, heap, edition(name)).reasons)
        require(not Path(CANARY).exists(), "a manifest started a program")

    yield attack


def hostile_file(dice: Random) -> tuple[str, bytes]:
    """A path and what lies there."""
    path = f"{ROOT}/hostile.{dice.choice(('yaml', 'json'))}"
    data = _text(dice, is_json=path.endswith("json"))
    if dice.random() < 0.5:
        data = torn(dice, data)
    if dice.random() < 0.02:
        data = data.decode(errors="replace").encode(dice.choice(("utf-16", "utf-32-be", "utf-8-sig")))
    return path, data


def _text(dice: Random, *, is_json: bool) -> bytes:
    kind = dice.random()
    if kind < 0.15:
        return noise(dice)
    if kind < 0.25:
        return DESIGNED.encode()
    document = dice.choice(_DOCUMENTS)
    if kind < 0.85:
        document = bent(dice, document)
    if is_json or dice.random() < 0.2:
        return as_json(document)
    return _yaml(dice, document)


def _yaml(dice: Random, document: Any) -> bytes:
    """YAML as PyYAML writes it, block or flow; what it cannot write becomes JSON."""
    try:
        written: str = yaml.dump(
            document,
            Dumper=_DUMPER,
            sort_keys=False,
            allow_unicode=True,
            default_flow_style=dice.choice((True, False, None)),
            default_style=dice.choice((None, None, '"', "'", "|")),
        )
        return written.encode() * dice.choice((1, 1, 1, 2))
    except (yaml.YAMLError, UnicodeEncodeError, RecursionError):
        return as_json(document)


def _examine(path: str, results: tuple[Manifest | InvalidManifest, ...]) -> None:
    require(results, "silence is no answer")
    for result in results:
        valid = isinstance(result, Manifest)
        reasons = result.warnings if isinstance(result, Manifest) else result.reasons
        errors = [reason for reason in reasons if reason.severity == "error"]
        require(bool(errors) != valid, "valid without errors, invalid with one")
        require(len(reasons) <= 102, "at most a hundred problems a document")
        for reason in reasons:
            beside = str(reason.path).startswith(f"{posixpath.dirname(path)}/")
            require(reason.path == path or beside, "a problem of this file, or of the one it names")
            require(len(reason.message) < 4000, f"a message of {len(reason.message)} characters")
        if isinstance(result, Manifest):
            json.dumps(result.request, ensure_ascii=False, allow_nan=False).encode()
            require(all(0 < len(part) < 1000 for part in result.pair), "a pair is two short texts")
    examine_reasons(
        reason
        for result in results
        for reason in (result.warnings if isinstance(result, Manifest) else result.reasons)
    )
