"""A page of a list is read item by item, whatever the items are."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.registry.exchange import Response
from reconciler.registry.vendor import ModelPage, page
from tests.registry.driving import item

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_FIELDS = ("model_id", "model_name", "model_version", "model_status", "create_at")


def _page(document: Any) -> ModelPage:
    return page(Response(200, {}, json.dumps(document).encode()))


@given(odd=st.lists(_JSON | st.dictionaries(st.sampled_from(_FIELDS), _JSON), max_size=5))
def test_odd_items_take_no_usable_one_with_them(odd: list[Any]) -> None:
    """Each item is counted once, as usable or not, and the usable ones keep their order."""
    result = _page({"models": [item(1), *odd, item(2)], "total_count": len(odd) + 2})
    assert (result.models[0].model_id, result.models[-1].model_id) == ("m-1", "m-2")
    assert result.length == result.total == len(odd) + 2
    for model in result.models:
        assert model.model_id
        assert all(model.pair)
        assert model.status is None or model.status.strip() == model.status != ""
        assert model.created_at is None or type(model.created_at) is int
