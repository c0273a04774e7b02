"""What the files below `deploy/` run: the program's arguments, environment and configuration, by place."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
COMPOSE = DEPLOY / "compose.yaml"
UNIT = DEPLOY / "systemd/reconciler.service"
PROGRAM = "/opt/reconciler/bin/reconciler"
CREDENTIALS = "/run/credentials/reconciler.service"


@dataclass(frozen=True)
class Run:
    """One process of the program.

    Attributes:
        place: the file and the service it stands in.
        arguments: what follows `reconciler`.
        environment: what is set there and in the image.
        configuration: the file that it is given, or None.
        grace: seconds between the signal that asks it to stop and the one that ends it.
    """

    place: str
    arguments: list[str]
    environment: dict[str, str]
    configuration: Path | None
    grace: int

    @property
    def secrets(self) -> set[str]:
        """Names of the secret files that it reads."""
        text = "\n".join(self.environment.values())
        if self.configuration:
            text += self.configuration.read_text("utf-8")
        return set(re.findall(r"/run/(?:secrets/reconciler|credentials/reconciler\.service)/([\w.-]+)", text))


def image_environment() -> dict[str, str]:
    """The variables that the image sets."""
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    (line,) = re.findall(r"^ENV (.*)$", text, re.MULTILINE)
    return dict(word.split("=", 1) for word in shlex.split(line))


def resources() -> dict[str, Any]:
    """The resources of the base by kind, as they are written."""
    names = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text("utf-8"))["resources"]
    documents = [yaml.safe_load((KUBERNETES / name).read_text("utf-8")) for name in names]
    return {resource["kind"]: resource for resource in documents}


def pod() -> dict[str, Any]:
    """The pod of the base."""
    spec: dict[str, Any] = resources()["Deployment"]["spec"]["template"]["spec"]
    return spec


def services() -> dict[str, Any]:
    """The services of the compose file that run the program."""
    every = yaml.safe_load(COMPOSE.read_text("utf-8"))["services"]
    return {name: one for name, one in every.items() if one["image"].startswith("model-reconciler:")}


def unit() -> dict[str, list[str]]:
    """The settings of the unit's service; one that stands there several times has several values."""
    settings: dict[str, list[str]] = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", UNIT.read_text("utf-8"), re.MULTILINE):
        settings.setdefault(key, []).append(value)
    return settings


def runs() -> list[Run]:
    """Every process of the program below `deploy/`."""
    return [_of_kubernetes(), *(_of_compose(name, one) for name, one in services().items()), _of_systemd()]


def _of_kubernetes() -> Run:
    (container,) = pod()["containers"]
    given = {variable["name"]: variable["value"] for variable in container["env"]}
    assert given.pop("RECONCILER_CONFIG") == "/etc/reconciler/reconciler.toml"
    return Run(
        "kubernetes",
        container["args"],
        image_environment() | given,
        KUBERNETES / "reconciler.toml",
        pod()["terminationGracePeriodSeconds"],
    )


def _of_compose(name: str, service: dict[str, Any]) -> Run:
    given = {
        key: re.sub(r"\$\{.*\}", "given", value) for key, value in service.get("environment", {}).items()
    }
    grace = int(service["stop_grace_period"].removesuffix("s"))
    return Run(f"compose {name}", service["command"], image_environment() | given, None, grace)


def _of_systemd() -> Run:
    settings = unit()
    program, *arguments = shlex.split(settings["ExecStart"][0])
    assert program == PROGRAM
    at = arguments.index("--config")
    assert arguments[at : at + 2] == ["--config", "/etc/reconciler/reconciler.toml"]
    lines = [shlex.split(line.replace("%d", CREDENTIALS))[0] for line in settings["Environment"]]
    return Run(
        "systemd",
        arguments,
        dict(line.split("=", 1) for line in lines),
        DEPLOY / "systemd/reconciler.toml",
        int(settings["TimeoutStopSec"][0]),
    )
