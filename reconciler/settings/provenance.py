"""A secret of the environment is sent only where the environment, or a file given by name, says.

A configuration that was found by looking around comes with the branch that is checked out, which may be
anybody's pull request. If such a file named the endpoint, whoever wrote it would be sent the secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.errors import ConfigurationError
from reconciler.settings.place import variable_of
from reconciler.settings.section import secret_names
from reconciler.settings.targets import ModelArtsTarget, PasswordAuth

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from reconciler.settings.tables import Settings

_WAYS = ("", "_file", "_env", "_command")


def require_one_place(settings: Settings, variables: Mapping[str, Any], file: Path) -> None:
    """Refuses a secret of the environment whose endpoint is in a file that was found by looking around.

    Raises:
        ConfigurationError: naming the variable, the endpoint's key and what to do, once for each target.
    """
    problems = [
        problem
        for name, target in settings.targets.items()
        if isinstance(target, ModelArtsTarget)
        for problem in _problems(name, target, variables.get("targets", {}).get(name, {}), file)
    ]
    if problems:
        raise ConfigurationError("\n".join(problems))


def _problems(name: str, target: ModelArtsTarget, variables: Mapping[str, Any], file: Path) -> Iterator[str]:
    given = variables.get("auth", {})
    secret = next((key for key in _secret_keys(target) if key in given), None)
    endpoint = next((keys for keys in _endpoints(target) if not _is_in(variables, keys)), None)
    if secret is None or endpoint is None:
        return
    variable = variable_of(["targets", name, "auth", secret])
    key = ".".join(("targets", name, *endpoint))
    yield (
        f"environment {variable}: would be used with {key} of {file}, which was found by looking around and "
        "may come with any branch: give the file with --config or RECONCILER_CONFIG, or the endpoint in "
        f"RECONCILER_{key.replace('.', '__').upper()}"
    )


def _secret_keys(target: ModelArtsTarget) -> Iterator[str]:
    if target.auth is not None:
        yield from (name + way for name in secret_names(type(target.auth)) for way in _WAYS)


def _endpoints(target: ModelArtsTarget) -> Iterator[tuple[str, ...]]:
    """The keys of every place that the secret, or what a login with it gives, is sent to."""
    yield ("endpoint",)
    if isinstance(target.auth, PasswordAuth):
        yield ("auth", "iam_endpoint")
    if target.obs_endpoint is not None:
        yield ("obs_endpoint",)


def _is_in(table: Mapping[str, Any], keys: tuple[str, ...]) -> bool:
    value: Any = table
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            return False
        value = value[key]
    return True
