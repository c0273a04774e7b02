"""Where a job stands: host, repository, change and commit, from options or the variables that hosts set.

https://docs.github.com/en/actions/reference/workflows-and-actions/variables ·
https://docs.gitlab.com/ci/variables/predefined_variables/ ·
https://help.gitee.com/gitee-go/pipeline/parameter ·
https://support.huaweicloud.com/usermanual-pipeline/pipeline_01_0003.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.forge.kinds import Forge

_PULL = re.compile(r"refs/pull/(\d+)/(?:merge|head)")


@dataclass(frozen=True, slots=True)
class _Names:
    """The variables of one host, the first that is set counts; and what its repositories are called.

    Attributes:
        default_url: of the API where no variable names one; None where there is none.
        repository_form: a pattern.
        example: of such a name.
    """

    url: tuple[str, ...]
    repository: tuple[str, ...]
    change: tuple[str, ...]
    head: tuple[str, ...]
    base: tuple[str, ...]
    token: str
    default_url: str | None
    repository_form: str
    example: str


_PART = r"(?!\.{1,2}(?:/|$))[\w.-]+"
_TWO_PARTS = f"{_PART}/{_PART}"
_NAMES: Mapping[Forge, _Names] = {
    "github": _Names(
        ("GITHUB_API_URL",),
        ("GITHUB_REPOSITORY",),
        (),
        (),
        ("GITHUB_BASE_REF",),
        "GITHUB_TOKEN",
        "https://api.github.com",
        _TWO_PARTS,
        "OWNER/NAME",
    ),
    "gitlab": _Names(
        ("CI_API_V4_URL",),
        ("CI_PROJECT_ID", "CI_PROJECT_PATH"),
        ("CI_MERGE_REQUEST_IID",),
        ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "CI_COMMIT_SHA"),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME",),
        "GITLAB_TOKEN",
        "https://gitlab.com/api/v4",
        rf"\d+|{_PART}(?:/{_PART})+",
        "a number or GROUP/NAME",
    ),
    "gitee": _Names(
        ("GITEE_API_URL",),
        ("GITEE_REPOSITORY",),
        ("GITEE_PULL_ID",),
        ("GITEE_SOURCE_COMMIT",),
        (),
        "GITEE_TOKEN",
        "https://gitee.com/api/v5",
        _TWO_PARTS,
        "OWNER/NAME",
    ),
    "codearts": _Names(
        ("CODEARTS_API_URL",),
        ("CODEARTS_REPOSITORY_ID",),
        ("MERGE_ID",),
        (),  # COMMIT_ID may be that of another repository of the pipeline
        (),
        "CODEARTS_TOKEN",
        None,
        r"\d+",
        "the repository's number",
    ),
}


@dataclass(frozen=True, slots=True)
class Job:
    """What a job is for.

    Attributes:
        url: of the host's API, without a `/` at the end.
        repository: as the host's API names it.
        change: number of the pull or merge request.
        head: the commit that was checked out before it was merged, or None where nobody says.
        base: what the change is to be merged into, as a revision of the checkout; None where nobody says.
        base_is_asked_for: whether an option named it, so that it has to be there.
    """

    forge: Forge
    url: str
    repository: str
    change: int
    head: str | None
    base: str | None = None
    base_is_asked_for: bool = False


def token_variable(forge: Forge) -> str:
    """The variable that holds the token, unless an option names another place."""
    return _NAMES[forge].token


def job_of(  # noqa: PLR0913 - the options
    forge: Forge,
    environ: Mapping[str, str],
    *,
    url: str | None = None,
    repository: str | None = None,
    change: int | None = None,
    head: str | None = None,
    base: str | None = None,
) -> Job:
    """Where a job stands; what an option says counts before a variable.

    `base` is any revision, as an option says; a variable names a branch.

    Raises:
        ConfigurationError: something is said nowhere, or is wrong; the message names option and variable.
    """
    names = _NAMES[forge]
    said = url or _first(names.url, environ) or names.default_url
    named = repository or _first(names.repository, environ)
    if said is None:
        example = "https://codehub-ext.cn-north-4.myhuaweicloud.com"
        raise ConfigurationError(f"--url is missing: give it, or {names.url[0]}, such as {example}")
    if named is None:
        raise ConfigurationError(
            f"--repository is missing: give it, or {names.repository[0]}: {names.example}"
        )
    if not re.fullmatch(names.repository_form, named, re.ASCII):
        raise ConfigurationError(f"--repository {named!r}: expected {names.example}")
    number = change if change is not None else _change(names, environ)
    newest, branch = head or _first(names.head, environ), _first(names.base, environ)
    merged_into = base or (f"refs/remotes/origin/{branch}" if branch else None)
    return Job(forge, said.rstrip("/"), named, number, newest, merged_into, base is not None)


def _change(names: _Names, environ: Mapping[str, str]) -> int:
    match = _PULL.fullmatch(environ.get("GITHUB_REF", "")) if not names.change else None
    text = match[1] if match else _first(names.change, environ) or ""
    if not (text.isascii() and text.isdigit()):
        variable = names.change[0] if names.change else "GITHUB_REF"
        raise ConfigurationError(
            f"--change is missing: give the number of the pull or merge request, or {variable}"
        )
    return int(text)


def _first(names: tuple[str, ...], environ: Mapping[str, str]) -> str | None:
    return next((environ[name] for name in names if environ.get(name)), None)
