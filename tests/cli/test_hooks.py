"""`.pre-commit-hooks.yaml`, run by the real pre-commit; the program is the one that is tested."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.git_repository import GitRepository
from tests.program import EMBEDDED, Fleet, manifest

if TYPE_CHECKING:
    from collections.abc import Callable

HOOKS = Path(__file__).parents[2] / ".pre-commit-hooks.yaml"


@pytest.fixture(scope="module")
def hooked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Fleet, Callable[[], tuple[int, str]]]:
    """A repository that uses the hooks, with what runs them on what is staged."""
    folder = tmp_path_factory.mktemp("hooks")
    published = GitRepository(folder / "published")
    revision = published.commit({".pre-commit-hooks.yaml": HOOKS.read_bytes()})
    fleet = Fleet(folder / "fleet")
    hooks = [{"id": name, "language": "system"} for name in ("reconciler-manifests", "reconciler-config")]
    used = {"repos": [{"repo": str(published.path), "rev": revision, "hooks": hooks}]}
    files = {"reconciler.toml": EMBEDDED, "models.d/a.yaml": manifest("a@1.0.0")}
    fleet.repository.write({".pre-commit-config.yaml": json.dumps(used)} | files)
    environment = fleet._variables({"PRE_COMMIT_HOME": str(folder / "cache")})
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"

    def run() -> tuple[int, str]:
        fleet.repository.git("add", "--all")
        done = subprocess.run(
            [sys.executable, "-m", "pre_commit", "run", "--color", "never"],
            cwd=fleet.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    return fleet, run


def test_the_hooks_check_manifests_and_configuration(
    hooked: tuple[Fleet, Callable[[], tuple[int, str]]],
) -> None:
    """What is right passes; what is wrong is shown with its place, and the commit is refused."""
    fleet, run = hooked
    code, output = run()
    assert (code, output.count("Passed")) == (0, 2), output
    fleet.repository.write({"models.d/bad.yaml": manifest("bad@01.0.0")})
    code, output = run()
    assert (code, "models.d/bad.yaml:2:16: model_version" in output) == (1, True), output
    fleet.repository.write({"models.d/bad.yaml": None, "reconciler.toml": "[sorce]\n"})
    code, output = run()
    assert (code, "reconciler.toml:1: sorce: unknown key" in output) == (1, True), output
