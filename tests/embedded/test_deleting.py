from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.embedded.samples import add, names, refused

if TYPE_CHECKING:
    from tests.embedded.conftest import Serve


def test_a_deleted_model_is_gone_and_its_pair_is_free(serve: Serve) -> None:
    """Both lists are in the answer; a second call finds nothing."""
    client = serve()
    model_id = add(client)
    answer = client.delete(f"/models/{model_id}")
    assert answer.status_code == 200
    assert answer.json() == {"delete_success_list": [model_id], "delete_failed_list": []}
    assert refused(client.get(f"/models/{model_id}")) == (404, "ModelArts.3001")
    assert refused(client.delete(f"/models/{model_id}")) == (404, "ModelArts.3001")
    add(client)


@pytest.mark.parametrize(
    ("edition", "wording"),
    [("seed-2019", "error_msg"), ("cn-2021", "error_message"), ("current", "error_msg")],
)
def test_a_model_in_use_is_not_deleted_and_the_status_is_200_all_the_same(
    serve: Serve, edition: str, wording: str
) -> None:
    """Contract cases 36 and 37: the message's key depends on the edition."""
    client = serve(edition=edition, in_use_pattern="used*")
    model_id = add(client, "used-one")
    answer = client.delete(f"/models/{model_id}")
    assert answer.status_code == 200
    (failed,) = answer.json()["delete_failed_list"]
    assert answer.json()["delete_success_list"] == []
    assert (failed["model_id"], failed["error_code"]) == (model_id, "ModelArts.3009")
    assert set(failed) == {"model_id", "error_code", wording}
    assert names(client) == ["used-one"]


def test_without_cascade_other_versions_stay(serve: Serve) -> None:
    """Only the model named."""
    client = serve()
    model_id = add(client, "m", "1.0.0")
    add(client, "m", "1.0.1")
    client.delete(f"/models/{model_id}", params={"cascade": "false"})
    assert names(client) == ["m"]


def test_a_cascade_deletes_twenty_versions_a_call(serve: Serve) -> None:
    """Contract case 38: of 25 versions five stay, the one named is gone, and other names are not touched."""
    client = serve()
    ids = [add(client, "m", f"1.0.{number}") for number in range(25)]
    add(client, "n", "1.0.0")
    add(client, "m", "1.0.0", workspace_id="1")
    answer = client.delete(f"/models/{ids[24]}", params={"cascade": "true"})
    assert answer.status_code == 200
    assert sorted(answer.json()["delete_success_list"]) == sorted([ids[24], *ids[:19]])
    assert sorted(names(client)) == ["m"] * 5 + ["n"]
    client.delete(f"/models/{ids[20]}", params={"cascade": "true"})
    assert names(client) == ["n"]
    assert names(client, workspace_id="1") == ["m"]
