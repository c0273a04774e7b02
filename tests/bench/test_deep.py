"""What a deep repository is made of: commits that change a file, and nothing that it declares."""

from __future__ import annotations

from bench.deep import revised
from bench.generate import declared
from bench.makes import JSON
from reconciler.contract import edition
from reconciler.manifest import Manifest, read

MODELS = 30


def test_each_commit_changes_one_file_and_nothing_that_is_declared() -> None:
    """All models in turn, but for those in JSON, which has no comments."""
    before = {model.path: model for model in map(declared, range(MODELS)) if model.make != JSON}
    commits = list(revised(MODELS, often=2 * len(before)))
    texts = [model.text() for commit in commits for model in commit]
    assert len(set(texts)) == len(commits) == len(texts)
    for commit in commits:
        (model,) = commit
        assert _said(model.path, model.text()) == _said(model.path, before[model.path].text())


def _said(path: str, text: str) -> object:
    (manifest,) = read(path, text.encode(), edition("seed-2019"), lambda _: None)
    assert isinstance(manifest, Manifest)
    return manifest.digest
