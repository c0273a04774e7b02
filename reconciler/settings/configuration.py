"""Reads `reconciler.toml` and the environment into one frozen value, or says everything that is wrong."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from reconciler.errors import ConfigurationError
from reconciler.phrases import no_such
from reconciler.settings.discovery import chosen, state_url
from reconciler.settings.keys import Places, from_environ, merged, render, variable_of
from reconciler.settings.raw import PREFIX, raw_configuration, value_at
from reconciler.settings.section import secret_names
from reconciler.settings.tables import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from reconciler.settings.targets import Target


@dataclass(frozen=True, slots=True)
class Configuration:
    """Settings with where they came from.

    Attributes:
        base: absolute directory that relative paths start from: the file's, else the repository's top,
            else the current one.
        fingerprint: of all that the settings depend on (see `reconciler.settings.raw`).
    """

    settings: Settings
    base: Path
    file: Path | None
    fingerprint: str

    def place(self, *keys: str) -> str:
        """Where the value at these keys comes from: a variable, or the file and its line."""
        return Places(self.file).of(keys)

    @contextmanager
    def located(self, *keys: str, table: str = "") -> Iterator[None]:
        """Says of a ConfigurationError raised in this block where the value that it is about comes from.

        `keys` may be those of a table: then the error is about the key that its message begins with. `table`
        is put before a message that names a key and not its table.
        """
        try:
            yield
        except ConfigurationError as error:
            said = str(error)
            first = said.partition(" ")[0]
            place = self.place(*keys, first) if first.isidentifier() else self.place(*keys)
            raise ConfigurationError(f"{place}: {table + ': ' if table else ''}{said}") from error

    @property
    def state_dir(self) -> Path:
        """Absolute directory of state, mirrors and embedded registries."""
        return self.base / self.settings.state.dir

    def registry_file(self, name: str) -> Path | None:
        """Where a target whose registry is local keeps its models; None for a service."""
        target = self.settings.targets[name]
        return target.database_file(name, self.base, self.state_dir) if target.is_local else None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is allowed and most likely a mistake.

        Several targets are one and the same registry, or one target is another registry in each replica.
        """
        sharing: dict[object, list[str]] = {}
        for name, target in self.settings.targets.items():
            where: object = self.registry_file(name) if target.is_local else target.registry_key
            sharing.setdefault(where, []).append(name)
        shared = (
            f"targets {' and '.join(names)} are one project and workspace: what one of them declares is "
            "unmanaged to the other, and both may import it; make one target of them"
            for names in sharing.values()
            if len(names) > 1
        )
        if self.state_url.startswith("sqlite:"):
            return tuple(shared)
        several = (
            f"target {name} is an embedded registry in state.dir, and replicas may share the state: each has "
            "a registry of its own then, and imports anew into it; serve one to all with `reconciler "
            f"registry serve`, or, where there is one replica, name the file in targets.{name}.database"
            for name, target in self.settings.targets.items()
            if target.is_in_state_dir
        )
        return (*shared, *several)

    @property
    def state_url(self) -> str:
        """SQLAlchemy URL of the state, absolute."""
        return state_url(self.base, self.settings.state.url, self.settings.state.dir)

    def chosen(self, only: str | None) -> tuple[str, ...]:
        """The names of the targets to work on: all, or the one named. Raises ConfigurationError."""
        return chosen(self.settings.targets, only)


def load(file: Path | None, *, cwd: Path) -> Configuration:
    """Reads the configuration.

    By `configuration_file`, and over it the environment.

    Raises:
        ConfigurationError: every mistake in the file and in the environment, one a line; or the file that was
            found is not to be trusted.
    """
    raw = raw_configuration(file, cwd)
    try:
        variables = from_environ(raw.variables)
        settings = parse(_layered(raw.content, variables), raw.file)
        fingerprint = raw.fingerprint()
    except RecursionError:
        raise ConfigurationError(f"environment {PREFIX}…: a value is nested too deeply") from None
    require_fitting_sinks(settings, raw.file)
    if raw.file and not raw.is_given:
        _require_one_place(settings, variables, raw.file)
    return Configuration(settings, raw.base, raw.file, fingerprint)


def parse(content: dict[str, Any], file: Path | None = None) -> Settings:
    """The settings that a table holds, without what the environment says.

    Raises:
        ConfigurationError: every mistake in it, one a line.
    """
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        targets = content.get("targets")
        names = targets if isinstance(targets, dict) else ()
        raise ConfigurationError(render(error, file, names)) from None


def _layered(content: Mapping[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
    """The environment over the file; over the default where neither says which targets there are."""
    targets = variables.get("targets")
    if "targets" not in content and isinstance(targets, dict) and list(targets) == ["local"]:
        content = {**content, "targets": {"local": {"kind": "embedded"}}}
    return merged(content, variables)


def require_fitting_sinks(settings: Settings, file: Path | None) -> None:
    """Refuses two sinks of one name, and a target of a sink that is not configured.

    Raises:
        ConfigurationError: every such mistake, one a line.
    """
    places = Places(file)
    problems = [
        f"{places.of(keys)}: {'.'.join(map(str, keys))}: {said}" for keys, said in _problems(settings)
    ]
    if problems:
        raise ConfigurationError("\n".join(problems))


def _problems(settings: Settings) -> Iterator[tuple[list[str | int], str]]:
    names: set[str] = set()
    for number, sink in enumerate(settings.notify):
        if sink.title in names:
            key = "name" if sink.name else "kind"
            said = f"another sink is called {sink.title} already: give each a name of its own"
            yield ["notify", number, key], said
        names.add(sink.title)
        for name in sink.targets or ():
            if name not in settings.targets:
                yield ["notify", number, "targets"], no_such("target", name, settings.targets)


# --- where a secret of the environment may be sent -----------------------------------------------------
# A configuration that was found by looking around comes with the branch that is checked out, which may be
# anybody's pull request. If such a file named the endpoint, whoever wrote it would be sent the secret.

_WAYS = ("", "_file", "_env", "_command")


def _require_one_place(settings: Settings, variables: Mapping[str, Any], file: Path) -> None:
    """Refuses a secret of the environment whose endpoint is in a file that was found by looking around.

    Raises:
        ConfigurationError: naming the variable, the endpoint's key and what to do, once for each target.
    """
    problems = [
        problem
        for name, target in settings.targets.items()
        for problem in _misplaced(name, target, variables.get("targets", {}).get(name, {}), file)
    ]
    if problems:
        raise ConfigurationError("\n".join(problems))


def _misplaced(name: str, target: Target, variables: Mapping[str, Any], file: Path) -> Iterator[str]:
    given = variables.get("auth", {})
    names = secret_names(type(target.auth)) if target.auth else ()
    secret = next((name + way for name in names for way in _WAYS if name + way in given), None)
    endpoint = next((keys for keys in target.secret_endpoints if value_at(variables, keys) is None), None)
    if secret is None or endpoint is None:
        return
    variable = variable_of(["targets", name, "auth", secret])
    key = ".".join(("targets", name, *endpoint))
    yield (
        f"environment {variable}: would be used with {key} of {file}, which was found by looking around and "
        "may come with any branch: give the file with --config or RECONCILER_CONFIG, or the endpoint in "
        f"RECONCILER_{key.replace('.', '__').upper()}"
    )
