"""The base, the packages, and the image itself. What cannot be fetched is missing; all else is a failure."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.image.buildah import CACHE, Buildah, MissingError

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
IMAGE = "localhost/model-reconciler"
EXTRAS = "postgres"
SUITE = "trixie"  # Debian 13, with Python 3.13
_PACKAGES = "ca-certificates,python-is-python3,python3,python3-venv"
_NOT_FETCHED = ("E: Failed to fetch", "E: Unable to fetch", "Temporary failure resolving")
# As Debian's own slim images have it.
_UNSYNCED, _UNDOCUMENTED = "force-unsafe-io", "path-exclude=/usr/share/doc/*\npath-exclude=/usr/share/man/*"
_SETTINGS = {"etc/dpkg/dpkg.cfg.d/image": f"{_UNSYNCED}\n{_UNDOCUMENTED}\n"}


def build(buildah: Buildah) -> None:
    """Builds `IMAGE`.

    Raises:
        MissingError: the base or a package cannot be had.
        CalledProcessError: the Dockerfile is at fault.
    """
    base = _pulled(buildah) or _bootstrapped(buildah)
    wheels = _wheels()
    _require_packages(buildah, base)
    arguments = ("--build-arg", f"BASE={base}", "--build-arg", f"EXTRAS={EXTRAS}")
    mounts = ("-v", f"{wheels}:/wheels:ro", "-v", f"{wheels}/pip.conf:/etc/pip.conf:ro")
    format_ = ("--isolation", "chroot", "--format", "docker")
    try:
        buildah("bud", "-q", *format_, *arguments, *mounts, "-t", IMAGE, str(ROOT), seconds=600)
    except subprocess.CalledProcessError as error:
        if any(words in error.stdout + error.stderr for words in _NOT_FETCHED):
            raise MissingError("a package of Debian's cannot be fetched") from error
        raise


def _pulled(buildah: Buildah) -> str | None:
    """The base that the Dockerfile names, where its registry can be reached."""
    (name,) = re.findall(r"^ARG BASE=(\S+)$", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    repository, _, rest = name.partition(":")
    digest = rest.partition("@")[2]
    full = f"docker.io/library/{repository}@{digest}"
    try:
        buildah("pull", "-q", full)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return None
    return full


def _bootstrapped(buildah: Buildah) -> str:
    """A base made of Debian's packages; made once."""
    recipe = f"{SUITE} {_PACKAGES} {_SETTINGS}".encode()
    name = f"localhost/model-reconciler-base:{hashlib.sha256(recipe).hexdigest()[:12]}"
    if buildah("images", "-q", name, check=False):
        return name
    if shutil.which("debootstrap") is None:
        raise MissingError("no base image can be pulled, and debootstrap is not installed")
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        root = Path(folder) / "root"
        _fetch(["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", SUITE, str(root)], "a base")
        for cache in ("var/cache/apt/archives", "var/lib/apt/lists"):
            shutil.rmtree(root / cache)
            (root / cache).mkdir(parents=True)
        for file, text in _SETTINGS.items():
            (root / file).write_text(text, "utf-8")
        container = buildah("from", "scratch")
        buildah("add", "-q", container, str(root), "/", seconds=300)
        buildah("commit", "-q", "--rm", container, name, seconds=300)
    return name


def _wheels() -> Path:
    """What pip installs into the image, fetched here, where it is known how to reach an index."""
    files = [ROOT / f"requirements/{part}.txt" for part in ("build", "runtime", EXTRAS)]
    key = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]
    folder = CACHE / f"wheels-{key}"
    if folder.exists():
        return folder
    for old in CACHE.glob("wheels-*"):
        shutil.rmtree(old)
    coming = CACHE / "wheels-coming"
    pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "-d", str(coming)]
    binary = ["--no-deps", "--only-binary", ":all:", "--python-version", "3.13", "--require-hashes"]
    for file in files:
        _fetch([*pip, *binary, "-r", str(file)], f"what {file.name} names")
    (coming / "pip.conf").write_text("[global]\nno-index = true\nfind-links = /wheels\n", "utf-8")
    coming.rename(folder)
    return folder


def _require_packages(buildah: Buildah, base: str) -> None:
    """Tells a registry of packages that is away from a Dockerfile that is wrong."""
    container = buildah("from", base)
    try:
        buildah("run", "--isolation", "chroot", container, "--", "apt-get", "update", "-qq")
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise MissingError("Debian's packages cannot be reached from the image") from error
    finally:
        buildah("rm", container)


def _fetch(command: Sequence[str], what: str) -> None:
    try:
        subprocess.run(command, capture_output=True, check=True, timeout=600)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise MissingError(f"{what} cannot be fetched") from error
