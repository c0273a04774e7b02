"""The image at work: `python -m tests.image.trial`, in a network of its own, says what it took.

A repository that belongs to somebody else is mounted read-only, and what the image runs is what its own
configuration says: entry point, command, user, folder and health check.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.request import urlopen

from tests.git_repository import GitRepository
from tests.image.buildah import CACHE, Buildah
from tests.image.building import IMAGE
from tests.program import manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

USER = 10001
_LIMIT = 120.0  # seconds that anything may take on a busy machine


class FailedError(Exception):
    """The image does not do what it should."""


@dataclass(frozen=True)
class Container:
    """A container of the image, with a repository that can only be read, and a state."""

    buildah: Buildah
    name: str
    repository: Path
    state: Path
    configuration: dict[str, Any]

    def command(self, *words: str) -> list[str]:
        """What runs these words in there."""
        mounts = ("-v", f"{self.repository}:/work:ro", "-v", f"{self.state}:/state")
        return self.buildah.command("run", "--isolation", "chroot", *mounts, self.name, "--", *words)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs these words to their end."""
        return subprocess.run(
            self.command(*words), capture_output=True, text=True, check=False, timeout=_LIMIT
        )

    def program(self, *words: str) -> str:
        """Runs the entry point with these arguments; gives both streams."""
        done = self.run(*self.configuration["Entrypoint"], *words)
        require(done.returncode == 0, f"{' '.join(words)} ended with {done.returncode}", done)
        return done.stdout + done.stderr


def require(holds: bool, message: str, done: object = "") -> None:
    """Ends the trial unless it holds."""
    if not holds:
        raise FailedError(f"{message}\n{done}")


@contextmanager
def container() -> Iterator[Container]:
    """One that is removed at the end, with all it wrote."""
    buildah = Buildah()
    configuration = json.loads(buildah("inspect", "--type", "image", IMAGE))["Docker"]["config"]
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        repository, state = Path(folder) / "repository", Path(folder) / "state"
        GitRepository(repository)
        state.mkdir()
        shutil.chown(state, USER, USER)
        name = buildah("from", IMAGE)
        try:
            yield Container(buildah, name, repository, state, configuration)
        finally:
            buildah("rm", name)


def declare(tried: Container, model: str) -> None:
    """Commits a manifest that everybody may read."""
    os.umask(0o022)
    GitRepository(tried.repository).commit({f"models.d/{model}.yaml": manifest(model)}, f"Add {model}")


def applies(tried: Container) -> str:
    """`apply` imports once, as a user who can write neither to the repository nor to the program."""
    user = tried.run("id", "-u").stdout.strip()
    require(user == str(USER), f"it runs as user {user}")
    for place in ("/work/new", "/opt/reconciler/new"):
        require(tried.run("touch", place).returncode != 0, f"{place} can be written")
    declare(tried, "a@1.0.0")
    began = time.monotonic()
    said = tried.program("apply")
    require("Applied: 1 imported" in said, "apply imported nothing", said)
    took = time.monotonic() - began
    said = tried.program("apply")
    require(said.startswith("Nothing to do"), "a second apply did something", said)
    return f"apply {took:.1f} s"


def runs(tried: Container) -> str:
    """`run` imports, the image's health check says so, and SIGTERM ends it with 0."""
    declare(tried, "b@1.0.0")
    began = time.monotonic()
    words = [*tried.configuration["Entrypoint"], *tried.configuration["Cmd"]]
    with subprocess.Popen(tried.command(*words), stderr=subprocess.PIPE, text=True) as process:
        try:
            _wait(process, began)
            ready = time.monotonic() - began
            check = tried.run(*tried.configuration["Healthcheck"]["Test"][1:])
            require(check.returncode == 0, "the health check fails", check)
            asked = time.monotonic()
            os.kill(_inside(process.pid), getattr(signal, tried.configuration["StopSignal"]))
            said = process.communicate(timeout=_LIMIT)[1]
        finally:
            if process.poll() is None:
                os.kill(_inside(process.pid), signal.SIGKILL)
    require(process.returncode == 0, f"run ended with {process.returncode}", said)
    stopped = time.monotonic() - asked
    said = tried.program("apply")
    require("1 in sync" in said or said.startswith("Nothing to do"), "run had not imported it", said)
    return f"run ready after {ready:.1f} s, stopped {stopped:.1f} s after SIGTERM"


def _wait(process: subprocess.Popen[str], began: float) -> None:
    while time.monotonic() - began < _LIMIT:
        require(process.poll() is None, "run ended by itself", process.returncode)
        try:
            with urlopen("http://127.0.0.1:8322/readyz", timeout=5) as answer:
                require(answer.status == 200, "not ready")
                return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise FailedError("run was not ready in time")


def _inside(pid: int) -> int:
    """The process of the program, below those that buildah has put in between."""
    below = [pid]
    for parent in below:
        if Path(f"/proc/{parent}/comm").read_text("utf-8").strip() == "reconciler":
            return parent
        children = [task / "children" for task in Path(f"/proc/{parent}/task").iterdir()]
        below += [int(child) for file in children for child in file.read_text("utf-8").split()]
    raise FailedError("the program is not running")


def _loopback() -> None:
    """A new network has a loopback interface that is down."""
    up, get, put = 0x1, 0x8913, 0x8914  # IFF_UP, SIOCGIFFLAGS, SIOCSIFFLAGS
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        name, flags = struct.unpack("16sh", fcntl.ioctl(asked, get, struct.pack("16sh", b"lo", 0)))
        fcntl.ioctl(asked, put, struct.pack("16sh", name, flags | up))


if __name__ == "__main__":
    _loopback()
    with container() as one:
        print(f"image: {applies(one)}, {runs(one)}")  # noqa: T201 - the program's result
