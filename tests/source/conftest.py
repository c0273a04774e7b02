"""A repository to read, a way to open it, and nobody's git configuration but the test's own."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

import pytest

from reconciler.source import GitSource, open_source
from tests.git_repository import GitRepository

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


class Opener(Protocol):
    """Opens sources that are closed when the test ends."""

    def __call__(
        self,
        repo: str | Path,
        *,
        branch: str | None = None,
        timeout: float = 30.0,
        paths: Sequence[str] = (),
    ) -> GitSource:
        """Opens `repo`, with mirrors under the test's `cache` folder."""


@pytest.fixture(autouse=True)
def _nobodys_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    """An empty repository in `repo`, on branch main."""
    return GitRepository(tmp_path / "repo")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Where mirrors are kept."""
    return tmp_path / "cache"


@pytest.fixture
def opened(tmp_path: Path, cache: Path) -> Iterator[Opener]:
    """Opens any repository by folder or URL."""
    with ExitStack() as stack:

        def opener(
            repo: str | Path,
            *,
            branch: str | None = None,
            timeout: float = 30.0,
            paths: Sequence[str] = (),
        ) -> GitSource:
            source = open_source(
                str(repo), branch=branch, cache_dir=cache, base=tmp_path, timeout=timeout, paths=paths
            )
            return stack.enter_context(source)

        yield opener


@pytest.fixture(scope="package")
def made(tmp_path_factory: pytest.TempPathFactory) -> GitRepository:
    """One bare repository for many random histories."""
    return GitRepository(tmp_path_factory.mktemp("histories") / "made.git", bare=True)


@pytest.fixture(scope="package")
def source(made: GitRepository) -> Iterator[GitSource]:
    """The repository of the random histories."""
    with open_source(str(made.path), branch=None, cache_dir=made.path, base=made.path) as opened:
        yield opened
