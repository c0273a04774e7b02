"""What the index gives back of files, however many documents they have."""

from __future__ import annotations

import pytest

from reconciler.contract.model_key import ModelKey
from reconciler.engine.values import LastCommit, ManifestRef, ParsedFile
from reconciler.index import Store
from reconciler.manifest import InvalidManifest, Reason


def _file(path: str, documents: int, *, faulty: bool = False) -> ParsedFile:
    declared = tuple(
        ManifestRef(ModelKey(path, f"{n}.0.0"), f"{n:064}", path, n + 1) for n in range(documents)
    )
    invalid = (InvalidManifest(path, 9, (Reason("wrong", "it is", path, 9),)),) if faulty else ()
    last_commits = tuple((ref.line, LastCommit("c" * 40, "Ada <ada@example.org>")) for ref in declared)
    return ParsedFile(path, "b" * 40, declared, invalid, (), last_commits)


@pytest.mark.parametrize("numbers", [(0, 1, 2), (4999, 1, 3), (5000, 2), (1, 12_000, 1)])
def test_files_come_back_as_they_were_saved(numbers: tuple[int, ...]) -> None:
    """All, and by path; also where the documents of one are more than are read at a time, or none."""
    files = {f"f{n}.yaml": _file(f"f{n}.yaml", number, faulty=n == 1) for n, number in enumerate(numbers)}
    index = Store(None, writes=True).of("prod", "rules")
    index.save("c" * 40, files, whole=True)
    assert {one.path: one for one in index.parsed_files()} == files
    assert list(index.parsed_files(["f1.yaml"])) == [files["f1.yaml"]]
    assert [one.path for one in index.parsed_files(faulty=True)] == ["f1.yaml"]
    assert index.number(()) == sum(numbers) + 1
    assert index.number(["f0.yaml"]) == sum(numbers[1:]) + 1
    assert len(list(index.declarations())) == sum(numbers)
    assert dict(index.last_commits(["f0.yaml"])).keys() == {("f0.yaml", n + 1) for n in range(numbers[0])}
