from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.program import manifest

if TYPE_CHECKING:
    from tests.program import Fleet
    from tests.relay import Relay

DEEP = "model_name: x\nmodel_version: 1.0.0\nmetadata: " + "{a: " * 200 + "1" + "}" * 200 + "\n"
BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nmodel_name: *c\n"

BAD: dict[str, tuple[bytes, str]] = {
    "binary": (bytes(range(256)), "UTF-8"),
    "empty": (b"", "empty"),
    "only a comment": (b"# nothing\n", "empty"),
    "10 MB": (b"a: " + b"x" * 10_000_000, "256 KiB"),
    "deep": (DEEP.encode(), "deep"),
    "aliases": (BOMB.encode(), "anchors"),
    "duplicate keys": (manifest("x@1.0.0").encode() + b"model_name: y\n", "model_name"),
    "a tag": (b"!!python/object/apply:os.system ['true']\n", "tag"),
    "UTF-16": (manifest("x@1.0.0").encode("utf-16"), "UTF-8"),
    "no mapping": (b"- 1\n- 2\n", "mapping"),
    "broken YAML": (b"model_name: [\n", ""),
    "a control character": (manifest("x@1.0.0", description="a\x1bb").encode(), ""),
}


@pytest.mark.parametrize("name", BAD)
def test_a_manifest_that_cannot_be_used_is_told_and_disturbs_nobody(
    fleet: Fleet, relay: Relay, name: str
) -> None:
    """Its place and the reason, the same from validate, plan and apply; the others are imported."""
    content, word = BAD[name]
    fleet.commit({"models.d/bad.yaml": content})
    checked = fleet.json("validate", "--commit", "HEAD")
    done = fleet.json("apply")
    (item,) = (item for item in done.json["items"] if item["verdict"] == "invalid")
    assert (checked.code, done.code, done.json["summary"]["in-sync"]) == (1, 1, 2)
    assert (item["path"], item["model_id"]) == ("models.d/bad.yaml", None)
    messages = {reason["message"] for reason in item["reasons"]}
    assert messages == {problem["message"] for problem in checked.json["problems"]}
    assert any(word in message for message in messages)
    assert sorted(model["model_name"] for model in relay.models()) == ["a", "b"]


def test_a_link_out_of_the_tree_is_never_followed(fleet: Fleet, relay: Relay) -> None:
    """Committed as a link: reported as one, whatever it leads to."""
    outside = fleet.folder.parent / "outside"
    outside.mkdir()
    (outside / "x.yaml").write_text(manifest("outside@1.0.0"))
    models = fleet.folder / "models.d"
    (models / "file.yaml").symlink_to(outside / "x.yaml")
    (models / "folder").symlink_to(outside)
    (models / "inside.yaml").symlink_to("a-1.0.0.yaml")
    fleet.commit({"models.d/c.yaml": manifest("c@1.0.0", initial_config_file="file.yaml")})
    done = fleet.json("apply")
    assert done.code == 1
    assert {item["path"] for item in done.json["items"] if item["verdict"] == "invalid"} == {
        f"models.d/{name}" for name in ("c.yaml", "file.yaml", "folder", "inside.yaml")
    }
    assert sorted(model["model_name"] for model in relay.models()) == ["a", "b"]
    assert "outside@" not in done.out


def test_the_whole_directory_may_not_be_a_link(fleet: Fleet, relay: Relay) -> None:
    """Told as a directory that is not there; exit code 3, nothing imported."""
    (fleet.folder / "models.d").rename(fleet.folder / "real")
    (fleet.folder / "models.d").symlink_to("real")
    fleet.commit({})
    done = fleet("apply")
    assert (done.code, relay.posts) == (3, 0)
    assert "has no directory models.d" in done.err


def test_names_with_a_dot_or_an_underscore_and_other_files_are_passed_over(
    fleet: Fleet, relay: Relay
) -> None:
    """Drafts, notes, editors' leavings."""
    fleet.commit(
        {
            f"models.d/{name}": "not a manifest: ["
            for name in ("_draft.yaml", ".hidden.yml", "_old/x.yaml", "README.md", "x.yaml.swp", ".d/y.json")
        }
    )
    assert fleet("apply").code == 0
    assert relay.posts == 2


def test_only_committed_content_counts(fleet: Fleet, relay: Relay) -> None:
    """A dirty work tree is a note, and no input: what is new, changed or deleted in it changes nothing."""
    models = fleet.folder / "models.d"
    (models / "new.yaml").write_text(manifest("new@1.0.0"))
    (models / "a-1.0.0.yaml").write_text("broken: [")
    (models / "b-2.0.0.yaml").unlink()
    done = fleet("apply")
    assert done.code == 0
    assert "note: " in done.out
    assert "3 uncommitted changes" in done.out
    assert sorted(model["model_name"] for model in relay.models()) == ["a", "b"]
    fleet.repository.git("add", "--all")
    assert fleet.json("plan").verdicts == {"a@1.0.0": "in-sync", "b@2.0.0": "in-sync"}


def test_a_version_is_text_however_it_is_written(fleet: Fleet, relay: Relay) -> None:
    """1.10 never becomes a number."""
    plain = manifest("v@1.10.0").replace('"1.10.0"', "1.10.0")
    fleet.commit({"models.d/v.yaml": plain})
    fleet("apply")
    assert "1.10.0" in {model["model_version"] for model in relay.models()}


def test_metadata_is_never_sent(fleet: Fleet, relay: Relay) -> None:
    """It is local."""
    fleet.commit({"models.d/c.yaml": manifest("c@1.0.0", metadata={"owner": "vision-team"})})
    fleet("apply")
    assert relay.posts == 3
    assert not any(b"vision-team" in request.body for request in relay.requests)
