from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.embedded.samples import add, names, project_of, refused

if TYPE_CHECKING:
    from tests.embedded.conftest import Clock, Serve


def test_a_list_item_tells_less_than_the_detail(serve: Serve) -> None:
    """Members of the list page; source_location, runtime, apis and config are not among them."""
    client = serve(edition="current")
    model_id = add(client, description="d")
    page = client.get("/models").json()
    assert (page["total_count"], page["count"]) == (1, 1)
    (item,) = page["models"]
    expected: dict[str, Any] = {"model_id": model_id, "model_name": "m", "model_version": "1.0.0"}
    expected |= {"model_type": "TensorFlow"}
    expected |= {
        "description": "d",
        "workspace_id": "0",
        "project": project_of(client),
        "model_status": "publishing",
    }
    expected |= {"model_source": "custom", "install_type": ["real-time", "batch"], "model_size": 0}
    assert {name: item[name] for name in expected} == expected
    assert not {"source_location", "runtime", "apis", "dependencies", "config"} & set(item)


def test_sparse_items_leave_out_what_the_vendors_example_leaves_out(serve: Serve) -> None:
    """The status among them: a client then needs the detail."""
    client = serve(edition="current", sparse_items=True)
    add(client)
    (item,) = client.get("/models").json()["models"]
    assert not {"model_status", "model_source", "install_type"} & set(item)


@pytest.mark.parametrize(
    ("exact_match", "query", "expected"),
    [
        ("escape", {}, ["a_b", "a_b_c", "axb"]),
        ("escape", {"exact_match": "true"}, ["a_b", "a_b_c"]),
        ("escape", {"exact_match": "false"}, ["a_b", "a_b_c", "axb"]),
        ("equal", {}, ["a_b", "a_b_c", "axb"]),
        ("equal", {"exact_match": "true"}, ["a_b"]),
    ],
)
def test_the_name_filter_is_fuzzy_and_exact_match_means_what_the_setting_says(
    serve: Serve, exact_match: str, query: dict[str, str], expected: list[str]
) -> None:
    """Contract case 30: the underscore is a wildcard unless escaped."""
    client = serve(exact_match=exact_match)
    for name in ("a_b", "axb", "a_b_c", "other"):
        add(client, name)
    assert sorted(names(client, model_name="a_b", **query)) == expected


@pytest.mark.parametrize("text", ["%", "\\", "a%b", "' OR 1=1 --", "_" * 512, "手"])
def test_a_filter_is_never_more_than_text(serve: Serve, text: str) -> None:
    """No percent sign, backslash or quote means anything."""
    client = serve()
    add(client, "ab", description="plain")
    assert names(client, model_name=text) == []
    assert names(client, description=text) == []


@pytest.mark.parametrize(
    ("mode", "offset", "expected"),
    [
        ("page", 0, ["m0", "m1"]),
        ("page", 1, ["m2", "m3"]),
        ("page", 2, ["m4"]),
        ("page", 3, []),
        ("item", 1, ["m1", "m2"]),
        ("item", 4, ["m4"]),
    ],
)
def test_offset_counts_pages_or_items_as_told(
    serve: Serve, mode: str, offset: int, expected: list[str]
) -> None:
    """Contract case 32, over five models."""
    client = serve(offset_mode=mode)
    for number in range(5):
        add(client, f"m{number}")
    page = client.get("/models", params={"limit": 2, "offset": offset, "order": "asc"}).json()
    assert [item["model_name"] for item in page["models"]] == expected
    assert (page["total_count"], page["count"]) == (5, len(expected))


def test_the_total_may_be_wrong_as_it_was_seen_to_be(serve: Serve) -> None:
    """Contract case 33: items, and total_count 0."""
    client = serve(total_count="zero")
    add(client)
    page = client.get("/models").json()
    assert (page["total_count"], page["count"]) == (0, 1)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["c", "b", "a"]),
        ({"order": "asc"}, ["a", "b", "c"]),
        ({"sort_by": "model_version", "order": "asc"}, ["a", "c", "b"]),
        ({"sort_by": "model_version"}, ["b", "c", "a"]),
        ({"sort_by": "model_size", "order": "asc"}, ["a", "b", "c"]),
        ({"model_version": "1.10.0"}, ["b"]),
        ({"model_type": "image"}, ["c"]),
        ({"not_model_type": "Image"}, ["b", "a"]),
        ({"model_status": "publishing"}, ["c"]),
        ({"model_status": "published"}, ["b", "a"]),
        ({"model_status": "failed"}, []),
        ({"description": "lower"}, ["b"]),
        ({"workspace_id": "5"}, ["elsewhere"]),
        ({"model_name": "", "model_type": "", "model_status": ""}, ["c", "b", "a"]),
    ],
)
def test_a_list_is_filtered_and_sorted_as_asked(
    serve: Serve, clock: Clock, query: dict[str, Any], expected: list[str]
) -> None:
    """Newest first unless asked otherwise; versions sort as numbers; types match in any case."""
    client = serve(publish_seconds=10)
    add(client, "a", "1.2.0")
    clock.now += 1
    add(client, "b", "1.10.0", description="a flower")
    add(client, "elsewhere", workspace_id="5")
    clock.now += 10
    add(client, "c", "1.9.9", model_type="Image")
    assert names(client, **query) == expected


@pytest.mark.parametrize(
    "query",
    [
        {"model_type": "Image", "not_model_type": "TensorFlow"},
        {"limit": "0"},
        {"limit": "1001"},
        {"limit": "x"},
        {"limit": "9" * 5000},
        {"offset": "-1"},
        {"sort_by": "owner"},
        {"order": "down"},
        {"model_status": "nonsense"},
        {"exact_match": "perhaps"},
        {"model_name": "x" * 513},
    ],
)
def test_a_query_outside_the_documents_is_refused(serve: Serve, query: dict[str, str]) -> None:
    """Status 400 in the vendor's envelope (the first is contract case 31)."""
    assert refused(serve().get("/models", params=query)) == (400, "ModelArts.0107")


def test_literal_routes_are_not_taken_for_ids(serve: Serve) -> None:
    """Contract case 35."""
    client = serve()
    runtimes = client.get("/models/ai-engine-runtimes", params={"limit": 2}).json()
    assert (runtimes["count"], runtimes["total_count"]) == (2, 7)
    for engine in runtimes["engine_runtimes"]:
        parallel = ("request_mode", "accelerators", "arch", "status_list", "image_source")
        assert {len(engine[name]) for name in parallel} == {len(engine["runtimes"])}
    assert client.get("/models/template").json()["templates"] == []


@pytest.mark.parametrize(
    "model_id", ["10eb0091-887f-4839-9929-cbc884f1e20e", "x", "%00", "%F0%9F%90%A2", "a'b"]
)
def test_an_unknown_id_is_not_found(serve: Serve, model_id: str) -> None:
    """Contract case 34, whatever the id looks like."""
    assert refused(serve().get(f"/models/{model_id}")) == (404, "ModelArts.3001")
