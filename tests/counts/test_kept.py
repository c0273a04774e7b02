"""Manifests that are kept whole for imports: so many in all, however many targets there are."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha1
from typing import TYPE_CHECKING

import pytest

from bench.generate import declared
from reconciler.app.repository import parser_of
from reconciler.engine.desired_state_reader import read_files
from reconciler.engine.manifest_parser import KEPT_WHOLE
from reconciler.engine.values import File
from reconciler.settings import load

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_TARGET = '[targets.t{0}]\nkind = "embedded"\npath = "models.d"\ndatabase = "{0}.db"\n'


class Contents(dict[str, bytes]):
    """Contents by their ids."""

    def read(self, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Each of these."""
        return ((blob, self[blob]) for blob in blobs)


@pytest.mark.parametrize("targets", [1, 10])
def test_targets_share_what_is_kept_whole(tmp_path: Path, targets: int) -> None:
    """Ten of them keep together what one keeps."""
    text = "".join(_TARGET.format(number) for number in range(targets))
    (tmp_path / "reconciler.toml").write_text(text, "utf-8")
    assert parser_of(load(None, cwd=tmp_path), "t0").kept * targets == KEPT_WHOLE


def test_every_file_is_read_and_so_many_manifests_are_kept(tmp_path: Path) -> None:
    """What is not kept is read again when it is needed."""
    (tmp_path / "reconciler.toml").write_text(_TARGET.format(0), "utf-8")
    contents, files = Contents(), []
    for number in range(20):
        manifest = declared(number)
        data = manifest.text().encode()
        blob = sha1(data, usedforsecurity=False).hexdigest()
        contents[blob] = data
        files.append(File(manifest.path, blob, "100644", len(data)))
    parser = replace(parser_of(load(None, cwd=tmp_path), "t0"), kept=7)
    parsed_files, whole = read_files(parser, contents, files, lambda _: None)
    assert (len(parsed_files), len(whole)) == (20, 7)
