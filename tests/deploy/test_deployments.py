"""The files below `deploy/`: validators take them, and what they ask the program for is there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
import yaml

from reconciler import __version__
from reconciler.settings import Configuration, load
from tests.deploy.deployed import (
    COMPOSE,
    KUBERNETES,
    PROGRAM,
    ROOT,
    UNIT,
    Run,
    image_environment,
    pod,
    resources,
    runs,
    services,
    unit,
)
from tests.program import Program

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (ROOT / "docs/deployment.md").read_text("utf-8")
each_run = pytest.mark.parametrize("run", runs(), ids=lambda run: run.place)


def ran(*command: str | Path) -> str:
    """Runs a validator; what it says is the failure."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def configuration(run: Run, folder: Path) -> Configuration:
    """What the program makes of its file and environment."""
    variables = {name: value for name, value in run.environment.items() if name.startswith("RECONCILER_")}
    with mock.patch.dict(os.environ, variables, clear=True):
        return load(run.configuration, cwd=folder)


@each_run
def test_the_command_and_its_options_exist(run: Run, tmp_path: Path) -> None:
    """The program itself reads them; one that it does not know is an error before the help is shown."""
    done = Program(tmp_path)(*run.arguments, "--help")
    assert done.code == 0, done.err
    assert done.out.startswith("Usage: reconciler " + run.arguments[0])


def test_a_command_that_does_not_exist_would_be_noticed(tmp_path: Path) -> None:
    """The check above can fail."""
    assert Program(tmp_path)("registry", "serve", "--opened", "--help").code == 2


@each_run
def test_every_variable_and_key_is_a_setting(run: Run, tmp_path: Path) -> None:
    """An unknown one, or a value that is none, is an error."""
    assert configuration(run, tmp_path).settings.web.enabled


@each_run
def test_a_stop_has_more_time_than_the_programs_own_grace(run: Run, tmp_path: Path) -> None:
    """So that the call in flight is recorded, and the program ends itself."""
    assert run.grace > configuration(run, tmp_path).settings.schedule.grace.total_seconds()


@pytest.mark.parametrize("name", ["first", "second"])
def test_a_health_check_of_compose_asks_where_the_replica_listens(name: str, tmp_path: Path) -> None:
    """The image's own, or the one of a service that listens elsewhere."""
    (run,) = [run for run in runs() if run.place == f"compose {name}"]
    port = str(configuration(run, tmp_path).settings.web.health_listen).rpartition(":")[2]
    own = services()[name].get("healthcheck")
    check = str(own["test"]) if own else (ROOT / "Dockerfile").read_text("utf-8")
    assert f"http://127.0.0.1:{port}/healthz" in check


def test_the_probes_ask_the_health_listener() -> None:
    """Alive is not ready: only what is not alive is started again."""
    assert {name: probe["httpGet"] for name, probe in probes().items()} == {
        "startupProbe": {"path": "/healthz", "port": "health"},
        "livenessProbe": {"path": "/healthz", "port": "health"},
        "readinessProbe": {"path": "/readyz", "port": "health"},
    }


def test_the_images_carry_the_version_of_the_program() -> None:
    """In the base and in the compose file."""
    kustomization = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text("utf-8"))
    assert [image["newTag"] for image in kustomization["images"]] == [__version__]
    assert {service["image"] for service in services().values()} == {f"model-reconciler:{__version__}"}
    assert f'newTag: "{__version__}"' in PAGE


def test_the_build_context_has_the_requirements_of_every_extra() -> None:
    """What `EXTRAS` may name is not left out of the image's context."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    context = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert {f"!requirements/{part}.txt" for part in ("build", "runtime", *extras)} <= set(context)


def probes() -> dict[str, Any]:
    """The probes of the pod."""
    return {key: value for key, value in container().items() if key.endswith("Probe")}


def container() -> dict[str, Any]:
    """The one container of the pod."""
    (entry,) = pod()["containers"]
    assert isinstance(entry, dict)
    return entry


def named_ports() -> dict[str, str]:
    """The pod's ports by name."""
    return {port["name"]: str(port["containerPort"]) for port in container()["ports"]}


def test_the_pods_ports_are_those_of_the_image() -> None:
    """And service and network policy use them by name."""
    listens = {
        "page": image_environment()["RECONCILER_WEB__LISTEN"],
        "health": image_environment()["RECONCILER_WEB__HEALTH_LISTEN"],
    }
    assert named_ports() == {name: address.rpartition(":")[2] for name, address in listens.items()}
    assert {port["targetPort"] for port in resources()["Service"]["spec"]["ports"]} == named_ports().keys()
    (rule,) = resources()["NetworkPolicy"]["spec"]["ingress"]
    assert {port["port"] for port in rule["ports"]} == named_ports().keys()


def test_every_selector_of_the_base_means_the_pods() -> None:
    """Deployment, service, disruption budget and network policy are about the same ones."""
    labels = resources()["Deployment"]["spec"]["template"]["metadata"]["labels"]
    (spread,) = pod()["topologySpreadConstraints"]
    assert [
        resources()["Deployment"]["spec"]["selector"]["matchLabels"],
        resources()["Service"]["spec"]["selector"],
        resources()["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        resources()["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
        spread["labelSelector"]["matchLabels"],
    ] == [labels] * 5


def test_the_pods_fulfil_the_restricted_standard() -> None:
    """And write nowhere but into volumes; user and group are the image's."""
    user = int(re.findall(r"^USER (\d+):", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)[0])
    assert pod()["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": user,
        "fsGroup": user,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container()["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod()["automountServiceAccountToken"] is False
    mounted = {mount["mountPath"] for mount in container()["volumeMounts"] if not mount.get("readOnly")}
    assert mounted == {image_environment()["RECONCILER_STATE__DIR"], "/tmp"}  # noqa: S108 - of the pod


def test_the_services_of_compose_write_nowhere_but_into_volumes() -> None:
    """Read-only, without capabilities; the repository read-only, too."""
    for service in services().values():
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
        assert service["security_opt"] == ["no-new-privileges:true"]
        writable = [volume for volume in service["volumes"] if not volume.endswith(":ro")]
        assert [volume.rpartition(":")[2] for volume in writable] == ["/state"]


def test_the_document_says_how_to_make_every_secret_that_is_read() -> None:
    """None is missing, none is too much; the unit loads those that its configuration reads."""
    for run, made in (
        ("kubernetes", set(re.findall(r"--from-file=([\w.-]+)", PAGE))),
        ("systemd", {line.partition(":")[0] for line in unit()["LoadCredential"]}),
    ):
        (deployment,) = [one for one in runs() if one.place == run]
        assert deployment.secrets == made
    for line in unit()["LoadCredential"]:
        assert line.partition(":")[2] in PAGE


def test_kubernetes_takes_the_base(tmp_path: Path) -> None:
    """Each resource against the schema of its kind, without keys that it does not have."""
    written = [path for path in KUBERNETES.glob("*.yaml") if path.name != "kustomization.yaml"]
    assert len(written) == len(resources())
    ran(sys.executable, "-m", "kubernetes_validate", "--strict", *written)
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed: the base was validated, and not rendered")
    rendered = tmp_path / "rendered.yaml"
    rendered.write_text(ran(kubectl, "kustomize", KUBERNETES), "utf-8")
    said = ran(sys.executable, "-m", "kubernetes_validate", "--strict", rendered)
    assert said.count("passed") == len(resources()) + 1, said


def test_compose_takes_its_file() -> None:
    """Against the schema of the Compose specification."""
    with as_file(files("check_jsonschema")):
        ran(
            *(sys.executable, "-m", "check_jsonschema"),
            *("--builtin-schema", "vendor.compose-spec", COMPOSE),
        )


def systemd(*arguments: str | Path) -> str:
    """Runs `systemd-analyze`."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed: Debian's package systemd")
    return ran(program, *arguments)


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """With the program where it is here; an unknown setting is an error as well."""
    here = tmp_path / UNIT.name
    text = UNIT.read_text("utf-8")
    here.write_text(text.replace(PROGRAM, sys.executable), "utf-8")
    systemd("verify", "--recursive-errors=no", here)


def test_the_units_service_is_little_exposed() -> None:
    """By systemd's own count from 0 to 10: at most 1.5."""
    systemd("security", "--offline=true", "--threshold=15", UNIT)
