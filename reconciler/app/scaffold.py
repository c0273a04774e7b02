"""`init`: what a repository needs to declare models, written where nothing is yet.

    InitOptions, settings ─▶ StarterFile* ─▶ written, or left as they are

What was asked for is checked before anything is written. A file that is there is never changed.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from reconciler import __version__
from reconciler.contract import DEFAULT_EDITION, edition
from reconciler.errors import ConfigurationError, ReconcilerError
from reconciler.registry.endpoint import parse_endpoint, parse_project
from reconciler.settings import FILE_NAME, parse
from reconciler.source.git_files import discover
from reconciler.source.plain_git import origin_host
from reconciler.views.as_json import dumps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from reconciler.forge import Forge
    from reconciler.settings import Settings

_HOSTS: tuple[tuple[str, Forge], ...] = (
    ("github", "github"),
    ("gitlab", "gitlab"),
    ("gitee", "gitee"),
    ("codearts", "codearts"),
    ("codehub", "codearts"),
    ("devcloud", "codearts"),
)
"""What the name of a host has in it, self-hosted ones included."""
_TEMPLATES: dict[Forge, tuple[str, str]] = {
    "github": (".github/workflows/models.yml", "github.yml"),
    "gitlab": (".gitlab-ci.yml", "gitlab.yml"),
    "gitee": ("ci/check-models.sh", "check-models.sh"),
    "codearts": ("ci/check-models.sh", "check-models.sh"),
}
"""For each host, where its template goes, and which one it is."""
_TOKENS: dict[Forge, str] = {"gitee": "GITEE_TOKEN", "codearts": "CODEARTS_TOKEN"}


@dataclass(frozen=True, slots=True)
class InitOptions:
    """The target that was asked for, where no configuration is there yet.

    Attributes:
        name: of the target; by default `local`, or `prod` with an endpoint.
        endpoint, project_id: of a ModelArts service, both or neither; else the registry is embedded.
        edition: rule set of the vendor's documents; by default the program's own default.
    """

    name: str | None = None
    endpoint: str | None = None
    project_id: str | None = None
    edition: str | None = None


class StarterFile(NamedTuple):
    """A file to be written: its path below the repository's top, and its text."""

    path: str
    text: str


def repository_of(folder: Path) -> Path:
    """The top of the work tree that a folder lies in.

    Raises:
        SourceError: it lies in no repository, or in a damaged one.
        ConfigurationError: it lies in a bare repository.
    """
    top = discover(folder, "the current directory").top
    if top is None:
        raise ConfigurationError(
            f"{folder}: a bare repository has no files: run `reconciler init` in a clone"
        )
    return top


def forge_of(top: Path) -> Forge | None:
    """The kind of host that `origin` points to, by its name; None where it is none that is known."""
    host = origin_host(top)
    return next((forge for part, forge in _HOSTS if part in host), None)


def starter_configuration(options: InitOptions) -> str:
    """The text of a configuration with the target that was asked for.

    Raises:
        ConfigurationError: what was asked for makes no target; the message names the option.
    """
    if (options.endpoint is None) != (options.project_id is None):
        raise ConfigurationError("--endpoint and --project-id go together: give both, or neither")
    name = options.name or ("local" if options.endpoint is None else "prod")
    facts = {"kind": "embedded", "path": "models.d", "edition": options.edition or DEFAULT_EDITION}
    auth = ""
    if options.endpoint is not None and options.project_id is not None:
        parse_endpoint(options.endpoint, "--endpoint")
        parse_project(options.project_id)
        facts |= {"kind": "modelarts", "endpoint": options.endpoint, "project_id": options.project_id}
        auth = _AUTH
    lines = "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in facts.items())
    title = name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)
    text = f"{_HEAD}\n[targets.{title}]\n{lines}{auth}"
    parse(tomllib.loads(text))
    return text


_HEAD = "# Every key and its default: `reconciler schema config`. A key that is not known is an error.\n"
_AUTH = (
    "# The token is read from this variable; an access key (aksk) and a password are other ways.\n"
    'auth = { method = "token", token_env = "MODELARTS_TOKEN" }\n'
)


def starter_files(
    settings: Settings, configuration: str | None, forge: Forge | None
) -> Iterator[StarterFile]:
    """The files that belong into a repository.

    `configuration` is the text of `reconciler.toml`; None where another file is the configuration.
    """
    editions: dict[str, str] = {}
    for target in settings.targets.values():
        editions.setdefault(target.path, target.edition)
    for path, name in editions.items():
        yield StarterFile(f"{path}/_example.yaml", _template("manifest.yaml"))
        yield StarterFile(f"{path}/.schema.json", dumps(edition(name).json_schema()) + "\n")
    if configuration is not None:
        yield StarterFile(FILE_NAME, configuration)
    pattern = json.dumps(f"^({'|'.join(map(re.escape, editions))})/", ensure_ascii=False)
    yield StarterFile(".pre-commit-config.yaml", _template("pre-commit.yaml", PATTERN=pattern))
    if forge is not None:
        path, name = _TEMPLATES[forge]
        paths = ", ".join(json.dumps(f"{folder}/**", ensure_ascii=False) for folder in editions)
        token = _TOKENS.get(forge, "")
        url = ", and its API's address in CODEARTS_API_URL" if forge == "codearts" else ""
        values = {"PATHS": paths, "FORGE": forge, "TOKEN": token, "URL": url, "VERSION": __version__}
        yield StarterFile(path, _template(name, **values))


def write(top: Path, starters: Sequence[StarterFile], *, dry_run: bool) -> Iterator[tuple[StarterFile, bool]]:
    """Writes each file that is not there yet; gives each with whether it is new.

    With `dry_run` nothing is written, and the same is given.

    Raises:
        ReconcilerError: a path leads through a symbolic link.
        OSError: a file cannot be written.
    """
    for starter in starters:
        path = top / starter.path
        if dry_run:
            yield starter, not (path.exists() or path.is_symlink())
        else:
            yield starter, write_new(top, path, starter.text.encode())


def _template(name: str, **values: str) -> str:
    """A file of `starter/`, with what stands between two @ replaced."""
    text = (files("reconciler.app") / "starter" / name).read_text("utf-8")
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text


def write_new(root: Path, path: Path, data: bytes) -> bool:
    """Writes a file and the folders above it; gives False, and changes nothing, where something is there.

    Raises:
        ReconcilerError: a folder between the two is a symbolic link, behind which no commit has anything.
        OSError: as writing does.
    """
    steps = list(path.relative_to(root).parents)[:-1]
    links = [root / step for step in steps if (root / step).is_symlink()]
    if links:
        raise ReconcilerError(
            f"{path}: {links[0]} is a symbolic link, behind which git sees nothing; nothing is written there"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        return False
    return True
