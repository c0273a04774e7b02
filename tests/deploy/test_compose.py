"""The services of `deploy/compose.yaml`, started as Compose would: no container, the same commands."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from bench.postgres import new_home, programs
from tests.deploy.deployed import COMPOSE, ROOT, image_environment
from tests.git_repository import GitRepository, git_environment
from tests.program import manifest
from tests.torture.scene import held_port

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

pytestmark = pytest.mark.long

_PATIENCE = 120.0
_PASSWORD = "p4ss"  # noqa: S105 - of a server that lives as long as the test
_PORTS = ("8400", "8321", "8322", "8331", "8332")


@dataclass
class _Composed:
    """The services, as far as they were started: on loopback with free ports, with folders for volumes."""

    folder: Path
    closing: ExitStack
    services: dict[str, Any] = field(init=False)
    ports: dict[str, str] = field(init=False)
    postgres: str = field(init=False)

    def __post_init__(self) -> None:
        text = COMPOSE.read_text("utf-8")
        text = re.sub(r"\$\{POSTGRES_PASSWORD:[^}]*\}", _PASSWORD, text)
        text = text.replace("${MODELS:-..}", str(self.folder / "models"))
        self.services = yaml.safe_load(text)["services"]
        held = [self.closing.enter_context(held_port()).getsockname()[1] for _ in (*_PORTS, "5432")]
        *ports, postgres = map(str, held)
        self.ports, self.postgres = dict(zip(_PORTS, ports, strict=True)), postgres

    def start(self, name: str) -> None:
        """Starts a service of the image, with the image's variables and its own."""
        service = self.services[name]
        mounts = dict(self._mount(volume) for volume in service["volumes"])
        variables = image_environment() | service.get("environment", {})
        del variables["PATH"]
        here = {key: self._here(value, mounts) for key, value in variables.items()}
        environment = git_environment() | {"HOME": str(self.folder)} | here
        command = [
            sys.executable,
            "-m",
            "reconciler",
            *(self._here(word, mounts) for word in service["command"]),
        ]
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=mounts.get("/work", self.folder), env=environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self.closing.callback(process.wait)
        self.closing.callback(process.kill)

    def start_postgres(self) -> None:
        """Does what the entry point of PostgreSQL's image does with these variables."""
        variables: Mapping[str, str] = self.services["postgres"]["environment"]
        folder, password = programs(), variables["POSTGRES_PASSWORD"]
        assert folder is not None
        run = self.closing.enter_context(new_home(folder, PGPASSWORD=password))
        home, name = run.home, variables["POSTGRES_USER"]
        (home / "password").write_text(password, "utf-8")
        if run.user:
            shutil.chown(home / "password", run.user)
        run("initdb", "-U", name, "--pwfile", str(home / "password"), "-A", "scram-sha-256", "--no-sync")
        options = f"-k {home} -c listen_addresses=127.0.0.1 -c port={self.postgres} -c fsync=off"
        run("pg_ctl", "-w", "-l", str(home / "log"), "-o", options, "start")
        run("createdb", "-h", str(home), "-p", self.postgres, "-U", name, name)

    def is_healthy(self, name: str) -> bool:
        """Carries out the health check of a service, or the image's."""
        service = self.services[name]
        own = service.get("healthcheck")
        _, program, *arguments = own["test"] if own else ["CMD", *_image_check()]
        program = sys.executable if program == "python" else str((programs() or Path()) / program)
        command = [program, *(self._here(word, {}) for word in arguments)]
        variables = os.environ | {"PGHOST": "127.0.0.1", "PGPORT": self.postgres}
        done = subprocess.run(
            command, env=variables, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        return done.returncode == 0

    def get(self, port: str, path: str) -> str:
        """What is answered on a port of the compose file; nothing while nobody does, or it is an error."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[port]}{path}", timeout=30) as answer:
                text: str = answer.read().decode()
        except OSError:
            return ""
        return text

    def until(self, true: Callable[[], bool], what: str) -> None:
        """Waits."""
        ends = time.monotonic() + _PATIENCE
        while not true():
            logs = "\n".join(log.read_text("utf-8")[-2000:] for log in self.folder.glob("*.log"))
            assert time.monotonic() < ends, f"not {what} in time: {logs}"
            time.sleep(0.1)

    def _mount(self, volume: str) -> tuple[str, str]:
        source, inside = volume.removesuffix(":ro").split(":")
        folder = Path(source) if source.startswith("/") else self.folder / source
        folder.mkdir(exist_ok=True)
        return inside, str(folder)

    def _here(self, text: str, mounts: Mapping[str, str]) -> str:
        """A word of the file, with the places that it names as they are here."""
        text = text.replace("@postgres/", f"@127.0.0.1:{self.postgres}/").replace("0.0.0.0", "127.0.0.1")  # noqa: S104
        for inside, folder in mounts.items():
            text = re.sub(rf"^{inside}(?=/|$)", folder, text)
        return re.sub(r"\b(8400|83[23][12])\b", lambda port: self.ports[port[0]], text)


def _image_check() -> list[str]:
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    (arguments,) = re.findall(r"^HEALTHCHECK .* CMD (\[.*\])$", text, re.MULTILINE)
    check: list[str] = json.loads(arguments)
    return check


@pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed")
def test_the_services_start_as_composed_and_import_a_model_once(tmp_path: Path) -> None:
    """In the order that they wait for each other; one replica leads then, and the other stands by."""
    pytest.importorskip("psycopg")
    GitRepository(tmp_path / "models").commit({"models.d/mnist.yaml": manifest("mnist@1.0.0")})
    with ExitStack() as closing:
        composed = _Composed(tmp_path, closing)
        composed.start_postgres()
        composed.start("registry")
        composed.until(lambda: composed.is_healthy("postgres"), "healthy")
        for name in ("first", "second"):
            composed.start(name)
        for name in ("first", "second"):
            composed.until(partial(composed.is_healthy, name), "healthy")
        composed.until(lambda: _models(composed) == ["mnist"], "imported")
        composed.until(lambda: _roles(composed) == ["ready", "standby"], "led by one")
        for port in ("8321", "8331"):
            composed.until(partial(_shows, composed, port), "shown")
        assert _models(composed) == ["mnist"]


def _models(composed: _Composed) -> list[str]:
    answer = json.loads(composed.get("8400", "/v1/demo/models") or "{}")
    return [model["model_name"] for model in answer.get("models", [])]


def _shows(composed: _Composed, port: str) -> bool:
    return "mnist" in composed.get(port, "/")


def _roles(composed: _Composed) -> list[str]:
    return sorted(composed.get(port, "/readyz").partition(":")[0].strip() for port in ("8322", "8332"))
