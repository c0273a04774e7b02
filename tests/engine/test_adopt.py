"""Whatever a registry says of a model, its manifest either holds or is refused with a reason."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.contract import edition
from reconciler.contract.catalogue import EDITIONS
from reconciler.contract.model_key import ModelKey
from reconciler.engine.adopt import Candidate, Proof, candidate, paths_of, prove
from reconciler.engine.manifest_parser import ManifestParser
from reconciler.engine.planner_input import PlannerInput
from reconciler.engine.values import Desired, ObservedModel, Stage
from reconciler.manifest import Manifest, is_manifest, read
from reconciler.registry.vendor import MODELARTS
from tests.contract.strategies import documents, unquoted
from tests.contract.test_drift import copied, registered
from tests.effort import examples

_TEXT = st.text(max_size=12)
_NAMES = st.one_of(st.from_regex(r"[A-Za-z_][\w-]{0,8}\Z"), _TEXT)
_VERSIONS = st.one_of(st.from_regex(r"[1-9]\.[0-9]\.[1-9][0-9]\Z"), _TEXT)
_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(0, 1), _TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_TEXT, inner, max_size=3)),
    max_leaves=6,
)
_DETAILS = st.fixed_dictionaries(
    {
        "model_type": st.sampled_from(("TensorFlow", "tensorflow", "Image", "PyTorch", "x")),
        "source_location": st.just("https://models.obs.cn-north-4.myhuaweicloud.com/a"),
    },
    optional={
        "runtime": st.sampled_from(("python2.7", "python3.6", "x")),
        "description": _TEXT,
        "model_metrics": st.sampled_from(('{"f1": 0.5}', '{"f1": 0.0}', "{")),
        "config": _JSON,
        "dependencies": _JSON,
        "source_copy": _JSON,
        "workspace_id": _TEXT,
        "install_type": _JSON,
    },
)


@given(_NAMES, _VERSIONS, _DETAILS, st.sampled_from(EDITIONS))
def test_a_manifest_holds_or_is_refused(name: str, version: str, detail: dict[str, Any], rules: str) -> None:
    """What is held is read as that one pair, from a path that is a manifest's."""
    pair = ModelKey(name, version)
    answer = {"model_name": name, "model_version": version, "model_status": "published", **detail}
    made, proof = _proved(pair, answer, rules)
    assert (proof.held == (made,)) != bool(proof.failed.get(pair))
    if proof.held:
        (manifest,) = read(f"models.d/{made.path}", made.data, edition(rules), lambda _: None)
        assert isinstance(manifest, Manifest)
        assert manifest.pair == pair


@pytest.mark.parametrize("rules", EDITIONS)
@settings(deadline=None, max_examples=examples(60), suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_was_validly_imported_is_adopted(rules: str, data: st.DataObject) -> None:
    """Any valid request, and its detail as the vendor's pages show it: the manifest holds.

    But for a model made by a template, which no detail shows and every declaration needs.
    """
    request = edition(rules).parse(unquoted(data.draw(documents(rules)))).request
    assert request is not None
    detail = registered(copied(request))
    pair = ModelKey(request["model_name"], request["model_version"])
    made, proof = _proved(pair, detail, rules)
    if request["model_type"] == "Template":
        assert "template" in proof.failed[pair]
    else:
        assert (proof.held, proof.failed) == ((made,), {})


def _proved(pair: ModelKey, detail: dict[str, Any], rules: str) -> tuple[Candidate, Proof]:
    """The manifest that is made of a detail, and what a plan with it says."""
    parser = ManifestParser(edition(rules), "models.d")
    view = PlannerInput(
        "prod",
        Desired({}, {}, ()),
        datetime(2026, 1, 1, tzinfo=UTC),
        observed={pair: [ObservedModel("id", pair, "published", stage=Stage.PUBLISHED)]},
    )
    made = candidate(pair, "id", paths_of([pair])[pair], *MODELARTS.adoptable(detail, parser.edition))
    return made, prove(MODELARTS, parser, view, [made], {"id": detail})


@given(st.lists(st.builds(ModelKey, _NAMES, _VERSIONS), unique=True, max_size=6))
def test_every_pair_has_a_safe_path_of_its_own(pairs: list[ModelKey]) -> None:
    """Also on a disk that does not tell upper from lower case."""
    paths = paths_of(pairs)
    assert len({path.casefold() for path in paths.values()}) == len(pairs)
    for path in paths.values():
        assert is_manifest(f"models.d/{path}", "models.d")
        assert path.count("/") == 1
