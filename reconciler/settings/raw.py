"""The configuration as it is written: the file's tables and the environment's variables, not checked yet.

Comes in: where to look. Goes out: what was found there, with a name for all that the settings depend on. What
has nothing to do, and a shell's completion, ask this, and load no pydantic.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler import __version__
from reconciler.errors import ConfigurationError
from reconciler.settings.discovery import STATE_DIR, configuration_file, repository_top, state_url
from reconciler.toml_file import read_toml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PREFIX = "RECONCILER_"
CONFIG_VARIABLE = f"{PREFIX}CONFIG"
"""The command line's: where the file is."""

SECRET_KEYS = frozenset(
    {"password", "push_url", "secret", "secret_key", "security_token", "token", "url", "webhook_secret"}
)
"""Keys at which a secret, or an address that may hold one, stands by itself."""

_NAMED_BY_USERS = (["targets"], ["source", "verify", "authors"])
"""Tables in which a key is a name, and none of a secret."""

_CREDENTIALS = re.compile(r"//[^/@\s]*@")
"""Of a URL, such as that of a git repository."""


class RawConfiguration(NamedTuple):
    """What is written.

    Attributes:
        base: absolute directory that relative paths start from: the file's, else the repository's top,
            else the current one.
        file: the file read, or None.
        is_given: whether the file was given by name.
        content: the file's tables.
        variables: those of the environment that are settings, as they are.
    """

    base: Path
    file: Path | None
    is_given: bool
    content: Mapping[str, Any]
    variables: Mapping[str, str]

    def __repr__(self) -> str:  # what is written may hold secrets
        return f"RawConfiguration({self.base!r}, {self.file!r})"

    @property
    def state_url(self) -> str:
        """SQLAlchemy URL of the state, absolute, as far as it is said plainly."""
        table = self.table("state") or {}
        url, folder = (value if isinstance(value := table.get(key), str) else None for key in ("url", "dir"))
        return state_url(self.base, url, Path(folder or STATE_DIR))

    def table(self, *keys: str) -> Mapping[str, Any] | None:
        """The table at these keys, empty where there is none; what a variable says wins.

        None where it takes the settings' types to tell: a variable stands for more than one text.
        """
        texts: dict[str, str] = {}
        for name, text in self.variables.items():
            steps = steps_of(name)
            if steps == keys[: len(steps)]:
                return None
            if steps[: len(keys)] == keys:
                texts["__".join(steps[len(keys) :])] = text
        if any("__" in key or _may_be_json(text) for key, text in texts.items()):
            return None
        table = value_at(self.content, keys)
        return {**table, **texts} if isinstance(table, dict) else texts

    def text(self, *keys: str) -> str | None:
        """The text at these keys; None where there is none, or where it takes the settings' types to tell."""
        value = value_at(self.content, keys)
        for name, text in self.variables.items():
            steps = steps_of(name)
            if steps == keys:
                value = text
            elif steps == keys[: len(steps)]:
                return None
        return value if isinstance(value, str) else None

    def fingerprint(self) -> str:
        """Another one whenever the settings may be other ones; a secret that is another changes nothing.

        Nothing that is kept is made of a secret, so that nobody can find one out by trying.

        Raises:
            RecursionError: a value is nested too deeply.
        """
        from hashlib import sha256  # noqa: PLC0415 - a shell's completion asks for none

        facts = [
            __version__,
            str(self.base),
            str(self.file),
            self.is_given,
            _masked(self.content),
            dict(sorted(_masked_variables(self.variables))),
        ]
        text = json.dumps(facts, sort_keys=True, default=str)
        return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def value_at(table: Mapping[str, Any], keys: Sequence[str]) -> Any:  # noqa: ANN401 - whatever TOML holds
    """What tables say at these keys; None where they say nothing."""
    value: Any = table
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def raw_configuration(file: Path | None, cwd: Path) -> RawConfiguration:
    """Reads what is written.

    Args:
        file: an explicit file, which must exist and is taken as given; otherwise `reconciler.toml` is looked
            for in `cwd`, then at the top of the repository, and has to be one that can be trusted.
        cwd: the current directory, absolute.

    Raises:
        ConfigurationError: as `configuration_file` and `read_toml` do; or the variable that names a file is
            empty.
    """
    if file is None and os.environ.get(CONFIG_VARIABLE) == "":
        raise ConfigurationError(f"environment {CONFIG_VARIABLE}: is empty: name a file, or leave it unset")
    path = configuration_file(file, cwd)
    return RawConfiguration(
        path.parent if path else repository_top(cwd),
        path,
        file is not None,
        read_toml(path) if path else {},
        {
            name: text
            for name, text in os.environ.items()
            if name.upper().startswith(PREFIX) and name != CONFIG_VARIABLE
        },
    )


def steps_of(name: str) -> tuple[str, ...]:
    """The table and the keys that a variable goes to."""
    return tuple(name[len(PREFIX) :].lower().split("__"))


def _masked(value: Any, key: str = "") -> Any:  # noqa: ANN401 - whatever TOML and JSON hold
    """The same without secrets: what stands at the key of one, which is no table, and credentials of URLs.

    Of a secret its kind is left: a number where a text belongs is a mistake to be told.
    """
    if isinstance(value, dict):
        return {name: _masked(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner) for inner in value]
    if key in SECRET_KEYS:
        return type(value).__name__
    return _CREDENTIALS.sub("//", value) if isinstance(value, str) else value


def _masked_variables(variables: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """The variables without the secrets in them, whether they are for one key or, as JSON, for a table."""
    for name, text in variables.items():
        *tables, key = steps_of(name)
        value: Any = text
        if (key not in SECRET_KEYS or tables in _NAMED_BY_USERS) and _may_be_json(text):
            try:
                value = json.loads(text)
            except ValueError:
                value = text
        yield name, _masked(value, key)


def _may_be_json(text: str) -> bool:
    return text.lstrip()[:1] in ("{", "[")
