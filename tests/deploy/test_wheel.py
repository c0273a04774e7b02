"""The wheel: what is in it, what its metadata say, and that it works without the rest of this repository."""

from __future__ import annotations

import re
import subprocess
import sysconfig
import venv
import zipfile
from email.parser import Parser
from typing import TYPE_CHECKING

import pytest

from reconciler import __version__
from tests.deploy.wheel import ROOT, build, tries

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built once."""
    return build(tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    """Every file of the package that git knows, such as templates; no test and no document."""
    command = ["git", "-c", "core.quotePath=false", "ls-files", "-co", "--exclude-standard", "reconciler"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    names = zipfile.ZipFile(wheel).namelist()
    assert sorted(name for name in names if ".dist-info/" not in name) == sorted(listed)


def test_the_metadata_say_what_a_stranger_needs(wheel: Path) -> None:
    """One version for all, where to find the project, on which Pythons it works; and the entry point."""
    archive = zipfile.ZipFile(wheel)
    folder = f"model_reconciler-{__version__}.dist-info"
    metadata = Parser().parsestr(archive.read(f"{folder}/METADATA").decode())
    assert metadata["Version"] == __version__
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Summary"]
    urls = dict(url.split(", ") for url in metadata.get_all("Project-URL", []))
    assert urls.keys() == {"Source", "Documentation", "Changelog", "Issues"}
    assert f"- repo: {urls['Source']}\n" in (ROOT / "docs" / "manifests.md").read_text("utf-8")
    assert all(url.startswith(urls["Source"]) for url in urls.values())
    classifiers = metadata.get_all("Classifier", [])
    pythons = [match[1] for one in classifiers if (match := re.search(r":: (3\.\d+)$", one))]
    assert pythons[0] == "3.11"
    assert b"reconciler = reconciler.cli:main" in archive.read(f"{folder}/entry_points.txt")


def test_the_version_stands_in_one_place() -> None:
    """And the changelog begins with it."""
    assert "\nversion =" not in (ROOT / "pyproject.toml").read_text("utf-8").partition("[project.")[0]
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert headings[0] == __version__


def test_the_wheel_works_where_nothing_else_is(wheel: Path, tmp_path: Path) -> None:
    """In an environment of its own, with the packages it depends on and without this repository.

    `make wheel` does the same on every Python there is, with packages that are installed for it.
    """
    venv.create(tmp_path / "environment", symlinks=True)
    (site,) = (tmp_path / "environment").glob("lib/python*/site-packages")
    zipfile.ZipFile(wheel).extractall(site)
    # of a folder named so only packages are seen, and no link to a source tree such as this one
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    tries(tmp_path / "environment" / "bin" / "python", tmp_path)
