"""`adopt`: what is registered as manifests, and the proof that declaring them changes nothing. Pure."""

from __future__ import annotations

import json
import posixpath
import re
from collections import Counter
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from reconciler.engine.desired import ManifestParser, declared_by, group_by_key
from reconciler.engine.plan import verdicts
from reconciler.engine.values import OF_MANIFESTS, File, ModelState
from reconciler.engine.vendor import Vendor, compare, fields_of
from reconciler.printable import inert_json, printable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.planner_input import PlannerInput
    from reconciler.manifest import Manifest

_UNSAFE = re.compile(r"[^\w.-]")
_BARE_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A manifest for one registered model.

    Attributes:
        path: below the target's directory.
    """

    pair: ModelKey
    model_id: str
    path: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Proof:
    """What a plan with the manifests in place says."""

    held: tuple[Candidate, ...]
    failed: Mapping[ModelKey, str]


def paths_of(pairs: Iterable[ModelKey]) -> dict[ModelKey, str]:
    """A safe path for each pair, `NAME/VERSION.yaml`.

    A name that no file may have, that would be skipped as hidden, or that another one equals but for the case
    of its letters gets a digest of itself.
    """
    keys = list(pairs)
    plain = {pair: "/".join(map(_safe, pair)) for pair in keys}
    alike = Counter(path.casefold() for path in plain.values())
    return {
        pair: f"{path}.yaml"
        if path == "/".join(pair) and alike[path.casefold()] == 1
        else f"{path}-{sha256('@'.join(pair).encode(errors='surrogatepass')).hexdigest()[:8]}.yaml"
        for pair, path in plain.items()
    }


def _safe(part: str) -> str:
    return _UNSAFE.sub("-", part).lstrip("._") or "model"


def candidate(
    pair: ModelKey, model_id: str, path: str, request: Mapping[str, Any], untold: Collection[str]
) -> Candidate:
    """The manifest of one registered model; whether it holds is for `prove` to say.

    `untold` are fields of which the registry does not tell what the import said.
    """
    lines = [line for name, value in request.items() for line in _member(name, value, "")]
    if untold:
        lines.append("# The registry does not tell what the import said of these; add what is known:")
        lines += [f"# {name}:" for name in untold]
    text = "".join(f"{line}\n" for line in lines)
    return Candidate(pair, model_id, path, text.encode("utf-8", "surrogatepass"))


def _member(key: str, value: Any, indent: str) -> Iterator[str]:  # noqa: ANN401 - any JSON
    shown = key if _BARE_KEY.match(key) else _scalar(key)
    if isinstance(value, dict | list) and value:
        yield f"{indent}{shown}:"
        yield from _block(value, f"{indent}  ")
    else:
        yield f"{indent}{shown}: {_scalar(value)}"


def _block(value: dict[str, Any] | list[Any], indent: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _member(key, inner, indent)
        return
    for item in value:
        if isinstance(item, dict | list) and item:
            first, *rest = _block(item, f"{indent}  ")
            yield f"{indent}- {first.lstrip(' ')}"
            yield from rest
        else:
            yield f"{indent}- {_scalar(item)}"


def _scalar(value: Any) -> str:  # noqa: ANN401 - any JSON
    """In JSON, which YAML reads alike: no word is taken for a number; what hides is an escape."""
    return printable(inert_json(json.dumps(value, ensure_ascii=False)))


def prove(
    vendor: Vendor,
    reader: ManifestParser,
    view: PlannerInput,
    candidates: Iterable[Candidate],
    details: Mapping[str, Mapping[str, Any]],
) -> Proof:
    """Reads the manifests as a commit's would be, and plans with them against what was observed.

    The view declares none of their pairs; `details` are by model id.
    """
    by_pair = {one.pair: one for one in candidates}
    manifests, failed = _parsed(reader, by_pair.values())
    looks = {
        by_pair[pair].model_id: compare(vendor, one.request, details[by_pair[pair].model_id])
        for pair, one in manifests.items()
    }
    for pair in manifests:
        unread = looks[by_pair[pair].model_id].unread
        if unread is not None:
            failed[pair] = unread
    planned = replace(
        view,
        desired=group_by_key(map(declared_by, manifests.values()), ()),
        observed={pair: view.observed[pair] for pair in manifests},
        comparisons=looks,
    )
    said = {item.pair: item for item in verdicts(planned)}
    for pair in manifests.keys() - failed.keys():
        if len(view.observed[pair]) > 1:
            failed[pair] = f"it is registered {len(view.observed[pair])} times"
        elif said[pair].verdict in OF_MANIFESTS:
            failed[pair] = _change(said[pair])
    return Proof(tuple(one for pair, one in by_pair.items() if pair not in failed), failed)


def _parsed(
    reader: ManifestParser, candidates: Collection[Candidate]
) -> tuple[dict[ModelKey, Manifest], dict[ModelKey, str]]:
    """The manifests of those that can be read and declare what they are to, and why others do not."""
    texts = _Texts({posixpath.join(reader.root, one.path): one for one in candidates})
    manifests: dict[ModelKey, Manifest] = {}
    failed: dict[ModelKey, str] = {}
    for parsed_file, whole in reader.read(texts, texts.files(), lambda _: None):
        pair = texts.candidates[parsed_file.path].pair
        problems = [
            reason.message
            for one in parsed_file.invalid
            for reason in one.reasons
            if reason.severity == "error"
        ]
        if problems:
            failed[pair] = f"its manifest would be invalid: {problems[0]}"
        elif [one.pair for one in whole] != [pair]:
            failed[pair] = "its manifest would declare another model"
        else:
            manifests[pair] = whole[0]
    for one in candidates:
        if one.pair not in manifests:
            failed.setdefault(one.pair, f"{one.path} would not be read as a manifest")
    return manifests, failed


@dataclass(frozen=True, slots=True)
class _Texts:
    """Manifests as a commit would hold them; a file's blob id is its path."""

    candidates: Mapping[str, Candidate]

    def files(self) -> Iterator[File]:
        for path, one in self.candidates.items():
            yield File(path, path, "100644", len(one.data))

    def read(self, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        for blob in blobs:
            yield blob, self.candidates[blob].data


def _change(item: ModelState) -> str:
    fields = fields_of(item.diff)
    message = item.reasons[0].message if item.reasons else item.verdict.value
    return f"a plan would say {item.verdict}: {fields or message}"
