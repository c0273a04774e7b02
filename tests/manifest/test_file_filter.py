"""Which files of a commit are manifests, and which are refused unread."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from reconciler.manifest import is_manifest, refuse


@dataclass(frozen=True)
class Entry:
    """What git's tree says."""

    path: str
    mode: str = "100644"
    size: int = 100


@pytest.mark.parametrize(
    ("path", "root", "expected"),
    [
        ("models.d/a.yaml", "models.d", True),
        ("models.d/a.YML", "models.d", True),
        ("models.d/team/x/a.Json", "models.d", True),
        ("models.d/a.yaml", "models.d/", True),
        ("a.yaml", "", True),
        ("a.yaml", ".", True),
        ("models.d/README.md", "models.d", False),
        ("models.d/yaml", "models.d", False),
        ("models.d/a.yaml.bak", "models.d", False),
        ("models.d/.hidden.yaml", "models.d", False),
        ("models.d/_draft.yaml", "models.d", False),
        ("models.d/_drafts/a.yaml", "models.d", False),
        ("models.d/x/.git/a.yaml", "models.d", False),
        ("models.d/.yaml", "models.d", False),
        ("_envs/.prod/a.yaml", "_envs/.prod", True),
        ("other/a.yaml", "models.d", False),
        ("models.d2/a.yaml", "models.d", False),
    ],
)
def test_a_manifest_is_told_by_its_name(path: str, root: str, expected: bool) -> None:
    """By suffix, and by the parts of the path below the root."""
    assert is_manifest(path, root) is expected


def test_an_ordinary_file_is_not_refused() -> None:
    """Whether it is a manifest or not, executable or not."""
    entries = [Entry("m/a.yaml"), Entry("m/a.yaml", "100755"), Entry("m/a.bin", size=10**9)]
    assert [refuse(entry, "m") for entry in entries] == [None, None, None]


@pytest.mark.parametrize("path", ["m/a.yaml", "m/team", "m/x/y.txt", "m"])
@pytest.mark.parametrize(("mode", "word"), [("120000", "symbolic link"), ("160000", "submodule")])
def test_links_and_submodules_are_refused_whatever_their_name(path: str, mode: str, word: str) -> None:
    """What they lead to is never followed, and could be a folder of manifests."""
    refusal = refuse(Entry(path, mode, 0), "m")
    assert refusal is not None
    assert (refusal.path, refusal.line) == (path, 1)
    assert (refusal.reasons[0].code, refusal.reasons[0].path) == ("link", path)
    assert f"a {word} is never followed" in refusal.reasons[0].message


def test_links_that_are_skipped_or_elsewhere_are_nobody_s_business() -> None:
    """A dot, an underscore, another folder."""
    paths = ["m/.link", "m/_x/link.yaml", "other/link.yaml"]
    assert [refuse(Entry(path, "120000"), "m") for path in paths] == [None, None, None]


def test_a_file_over_the_limit_is_refused_unread() -> None:
    """With its size and the limit."""
    assert refuse(Entry("m/a.yaml", size=256 * 1024), "m") is None
    refusal = refuse(Entry("m/a.yaml", size=10 * 1024 * 1024), "m")
    assert refusal is not None
    (reason,) = refusal.reasons
    assert reason.code == "file-too-large"
    assert "10,485,760 bytes" in reason.message
    assert "262,144 (256 KiB)" in reason.message


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("m/caf\udce9.yaml", "m/caf\\xe9.yaml"),
        ("m/a\nb.yaml", "m/a\\x0ab.yaml"),
        ("m/\x1b[31m.yaml", "m/\\x1b[31m.yaml"),
        ("m/\u202egnp.yaml", "m/\\u202egnp.yaml"),
        ("m/\x1b", "m/\\x1b"),
    ],
)
def test_a_name_that_cannot_be_shown_is_refused_and_shown_escaped(path: str, shown: str) -> None:
    """Not UTF-8, a line break, an escape sequence, reversed text; a link's name is escaped alike."""
    refusal = refuse(Entry(path, "100644" if path.endswith("yaml") else "120000"), "m")
    assert refusal is not None
    assert (refusal.path, refusal.shown, refusal.reasons[0].path) == (path, shown, shown)
    assert shown.isascii()


def test_chinese_and_spaced_names_are_fine() -> None:
    """UTF-8 is."""
    assert refuse(Entry("m/模型 一.yaml"), "m") is None
