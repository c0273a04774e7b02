"""What can be known about a model before its import is asked for: all rules, for one manifest."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.contract import edition
from reconciler.manifest.values import Reason, in_order
from reconciler.preflight.address import ImagePlace, LocalPlace, ObsPlace, image_fault, locate, parse_endpoint
from reconciler.preflight.content import FIELD, code_problems, file_problems, given_problems, opened
from reconciler.preflight.opening import open_files
from reconciler.preflight.package import (
    CODE,
    CONFIG,
    ENGINE_FILES,
    NOT_EXAMINED,
    SOURCE,
    FilesUnavailable,
    about,
    absent,
    gather,
    layout_problems,
    too_large,
    wants_code,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from reconciler.contract import Problem
    from reconciler.manifest.values import Manifest
    from reconciler.preflight.address import ObjectStoreKeys, Place
    from reconciler.preflight.package import ModelFiles, Package

_PYTHON_2 = re.compile(r"(?:python|py_?)2\b")
_BY_IMAGE = ("Image", "Custom")


@dataclass(frozen=True, slots=True)
class Examination:
    """Examines manifests of one target: finds their files, looks at them, lets go of them.

    Attributes:
        edition: whose rules hold.
        credentials: as for `open_files`; asked once for each manifest whose bucket is looked into.
        endpoint: the object store in use; see `obs_endpoint`.
        local: directory that local sources may lie in; None reads none.
        strict: makes errors of what are warnings otherwise, save what could not be looked at.
    """

    edition: str
    credentials: Callable[[], ObjectStoreKeys | None] | None = None
    endpoint: str | None = None
    local: Path | None = None
    strict: bool = False

    def __post_init__(self) -> None:
        if self.endpoint:
            parse_endpoint(self.endpoint)

    def examine(self, manifest: Manifest) -> tuple[Reason, ...]:
        """Everything that is wrong with one manifest's model; asks the object store, and so may take a while.

        Raises:
            ConfigurationError: endpoint or credentials are wrong, or the extra `obs` is not installed.
        """
        source = manifest.request.get(SOURCE)
        if source is None or manifest.request["model_type"] == "Template":
            return self.judge(manifest, None)
        try:
            files = open_files(source, credentials=self.credentials, endpoint=self.endpoint, local=self.local)
        except FilesUnavailable as fault:
            return self.judge(manifest, None, fault.problem)
        if files is None:
            return self.judge(manifest, None)
        with closing(files):
            return self.judge(manifest, files)

    def judge(self, manifest: Manifest, files: ModelFiles | None, *unopened: Problem) -> tuple[Reason, ...]:
        """What the service would find wrong with these files, or might: it is less strict than this.

        The codes of the reasons begin with `preflight-`; they have the manifest's path and line.
        """
        problems = _problems(manifest.request, files, self.edition, self.endpoint)
        return in_order(
            Reason(
                problem.code,
                problem.message,
                manifest.path,
                manifest.line,
                severity="error" if self.strict and problem.code != NOT_EXAMINED else "warning",
            )
            for problem in (*unopened, *problems)
        )


def _problems(
    request: Mapping[str, Any], files: ModelFiles | None, edition_name: str, endpoint: str | None
) -> Iterator[Problem]:
    kind = request["model_type"]
    if kind == "Template":
        return
    yield from _address_problems(request, kind, endpoint)
    yield from given_problems(request)
    if files is None:
        return
    try:
        package = gather(files, whole=kind == "Custom", texts=_texts(request, kind))
    except FilesUnavailable as fault:
        yield fault.problem
        return
    yield from layout_problems(package, kind, edition_name)
    if package.files:
        yield from _content_problems(package, request, edition_name)


def _texts(request: Mapping[str, Any], kind: str) -> frozenset[str]:
    """Which files of `model/` are read: the manifest's own configuration takes the place of the file."""
    if kind == "Custom":
        return frozenset()
    code = {CODE} if kind in ENGINE_FILES else set()
    return frozenset(code if request.get(FIELD) else {CONFIG, *code})


def _content_problems(package: Package, request: Mapping[str, Any], edition_name: str) -> Iterator[Problem]:
    kind = request["model_type"]
    paths = _texts(request, kind)
    for key in sorted(paths):
        large = too_large(package, key)
        if large:
            yield large
    if package.config is not None:
        yield from file_problems(package.config, request, edition_name)
    elif CONFIG in paths and package.lacks(CONFIG):
        yield absent(package, CONFIG, "and the manifest has no initial_config in its place")
    if package.code is not None:
        yield from code_problems(package.code, kind, python2=_is_python2(package, request, edition_name))
    elif package.lacks(CODE) and wants_code(kind, edition_name):
        yield absent(package, CODE, f"and {kind} needs it")


def _is_python2(package: Package, request: Mapping[str, Any], edition_name: str) -> bool:
    text = request.get(FIELD) or (package.config or b"").decode(errors="replace")
    config = opened(text) or {}
    default = edition(edition_name).defaults.get("runtime")
    runtime = request.get("runtime") or config.get("runtime") or default
    return bool(_PYTHON_2.search(str(runtime)))


# --- addresses ---------------------------------------------------------------------------------------


def _address_problems(request: Mapping[str, Any], kind: str, endpoint: str | None) -> Iterator[Problem]:
    source = request.get(SOURCE)
    place = _place(source, endpoint) if source is not None else None
    if isinstance(place, ImagePlace):
        yield from _image_problems(place, kind)
    path = (
        place.prefix if isinstance(place, ObsPlace) else place.path if isinstance(place, LocalPlace) else ""
    )
    if re.search(r"\s", path):
        yield about(SOURCE, "preflight-blank-in-path", "has a blank in its path, which the service refuses")
    runtime = request.get("runtime")
    fault = image_fault(runtime) if kind == "Custom" and runtime else None
    if fault:
        yield about("runtime", "preflight-image-address", fault, runtime)
    code = request.get("execution_code")
    if code and isinstance(place, ObsPlace) and _elsewhere(code, place, endpoint):
        why = f"must be {CODE} of the source; leave it out, and the service finds it there"
        yield about("execution_code", "preflight-execution-code", why)


def _place(address: str, endpoint: str | None) -> Place | None:
    try:
        return locate(address, parse_endpoint(endpoint) if endpoint else None)
    except FilesUnavailable:
        return None


def _image_problems(place: ImagePlace, kind: str) -> Iterator[Problem]:
    if kind not in _BY_IMAGE:
        why = f"is neither a path of a bucket nor a local one, which a model of type {kind} needs"
        yield about(SOURCE, "preflight-address", why, place.address)
        return
    fault = image_fault(place.address)
    if fault:
        yield about(SOURCE, "preflight-image-address", fault, place.address)


def _elsewhere(code: str, source: ObsPlace, endpoint: str | None) -> bool:
    place = _place(code, endpoint)
    path = f"{source.prefix}/{CODE}".lstrip("/")
    return not isinstance(place, ObsPlace) or (place.bucket, place.prefix) != (source.bucket, path)
