"""Builds the wheel and tries it in an empty environment of each Python from 3.11 on: `make wheel`."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from reconciler import __version__
from tests.git_repository import GitRepository, git_environment
from tests.program import EMBEDDED, manifest

ROOT = Path(__file__).parents[2]
_OLDEST, _NEWEST = 11, 20


def build(folder: Path) -> Path:
    """Builds the wheel into a folder."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def tries(python: Path, folder: Path) -> None:
    """Does with an installed program what a newcomer does: imports a model, and reads every file it ships."""
    assert _run(python, folder, "--version") == f"reconciler {__version__}\n"
    repository = GitRepository(folder / "models")
    repository.commit({"reconciler.toml": EMBEDDED, "models.d/a.yaml": manifest("a@1.0.0")})
    for forge in ("github", "gitlab", "gitee"):
        assert "models.d/_example.yaml" in _run(
            python, repository.path, "init", "--forge", forge, "--dry-run"
        )
    assert "1 imported" in _run(python, repository.path, "apply")
    assert "Nothing to do" in _run(python, repository.path, "plan")
    assert "a@1.0.0" in _run(python, repository.path, "history", "a")
    for words in (["schema"], ["schema", "config"], ["completion", "bash"], ["help"]):
        assert _run(python, repository.path, *words)


def _run(python: Path, folder: Path, *arguments: str) -> str:
    command = [str(python), "-I", "-W", "error", "-m", "reconciler", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=git_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _pythons() -> list[str]:
    """Each Python that is there and starts."""
    paths = (shutil.which(f"python3.{minor}") for minor in range(_OLDEST, _NEWEST))
    return [one for one in paths if one and not _started(one).returncode]


def _started(python: str) -> subprocess.CompletedProcess[bytes]:
    """What a name on the path comes to; the shim of a version manager may lead nowhere."""
    return subprocess.run([python, "-c", ""], capture_output=True, check=False)


def main() -> None:
    """Installs what is pinned, and nothing else, and the wheel."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        wheel = build(folder / "dist")
        for number, python in enumerate(_pythons()):
            environment = folder / f"environment-{number}"
            subprocess.run([python, "-m", "venv", str(environment)], check=True)
            inner = environment / "bin" / "python"
            pip = [str(inner), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
            pins = str(ROOT / "requirements" / "runtime.txt")
            subprocess.run([*pip, "--require-hashes", "-r", pins], check=True)
            subprocess.run([*pip, "--no-deps", "--no-index", str(wheel)], check=True)
            (folder / str(number)).mkdir()
            tries(inner, folder / str(number))
            version = subprocess.run([inner, "--version"], check=True, capture_output=True, text=True).stdout
            print(f"{re.sub(r'-py3.*', '', wheel.name)} works on {version.strip()}")  # noqa: T201 - a script


if __name__ == "__main__":
    main()
