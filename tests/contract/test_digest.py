"""The digest of a request: equal meaning, equal digest."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.contract import EDITIONS, digest, edition
from tests.contract.documents import CONFIG, as_text, minimal, packages
from tests.contract.strategies import documents, unquoted
from tests.effort import examples

SAME = [
    (minimal(), dict(reversed(minimal().items()))),
    (minimal(), minimal(workspace_id="0", description="", input_params=[], source_type="")),
    (minimal(model_metrics='{"f1": 1.0, "recall": 2}'), minimal(model_metrics='{"recall":2,"f1":1}')),
    (minimal(apis='[{"url": "/"}]'), minimal(apis=[{"url": "/"}])),
    (
        minimal(initial_config=as_text(CONFIG)),
        minimal(initial_config=as_text({**CONFIG, "metrics": CONFIG["metrics"]})),
    ),
    (minimal(install_type=["batch", "real-time"]), minimal(install_type=["real-time", "batch", "batch"])),
    (minimal(dependencies=packages()), minimal(dependencies=packages(package_version="", restraint=""))),
    (minimal(source_copy=True), minimal(source_copy="true")),
    (minimal(prebuild=1), minimal(prebuild=1.0)),
]

OTHER = [
    (minimal(), minimal(model_version="1.0.1")),
    (minimal(), minimal(workspace_id="1")),
    (minimal(), minimal(runtime="python2.7")),
    (minimal(apis=[{"url": "/"}]), minimal(apis=[{"url": "/v1"}])),
    (minimal(apis=[{"url": "/", "x": ""}]), minimal(apis=[{"url": "/"}])),
    (
        minimal(dependencies=packages() + packages(package_name="h5py")),
        minimal(dependencies=packages(package_name="h5py") + packages()),
    ),
    (minimal(prebuild=1), minimal(prebuild=True)),
    (minimal(prebuild="1"), minimal(prebuild=1)),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_equal_meaning_gives_an_equal_digest(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Order, notation, defaults and emptiness do not matter."""
    assert digest(one) == digest(other)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_other_meaning_gives_another_digest(one: dict[str, Any], other: dict[str, Any]) -> None:
    """What the registry would see differently does matter."""
    assert digest(one) != digest(other)


def test_the_digest_never_changes_between_releases() -> None:
    """It is remembered in state: this value may not move."""
    assert digest(minimal()) == "3551c58421e2ae95ce94ff2d7ff094b1ec026aafccb2def2b3de76b940fe8d22"


def test_a_text_that_is_no_json_or_no_utf8_still_has_a_digest() -> None:
    """A digest never fails."""
    assert len(digest(minimal(apis="[", description="\ud800"))) == 64


@pytest.mark.parametrize("name", EDITIONS)
@settings(deadline=None, max_examples=examples(60), suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_digest_does_not_depend_on_order_or_on_where_json_is_text(name: str, data: st.DataObject) -> None:
    """For any valid document: shuffled keys, and JSON texts given as text."""
    document = data.draw(documents(name))
    request = edition(name).parse(unquoted(document)).request or {}
    keys = data.draw(st.permutations(list(request)))
    assert digest({key: request[key] for key in keys}) == digest(request)
    if "apis" in request:
        assert digest({**request, "apis": as_text(request["apis"])}) == digest(request)
