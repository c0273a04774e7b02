"""The layout of a model's package: which files each engine wants in `model/`, and how large it may be. Pure.

The tables are the vendor's package specification of 2021 and 2025 and the texts of its import events.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.phrases import listed
from reconciler.preflight.values import (
    CODE,
    CONFIG,
    LARGEST_TEXT,
    MODEL,
    MOST_FILES,
    SOURCE,
    about,
    about_file,
    shown,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.contract import Problem
    from reconciler.preflight.values import Package

_GIB = 1024**3
_OLD = ("seed-2019", "cn-2021")


@dataclass(frozen=True, slots=True)
class Expected:
    """One file, or kind of file, that an engine wants.

    Attributes:
        pattern: of its key inside `model/`.
        shown: how people write it.
        single: whether there must not be a second one.
    """

    pattern: re.Pattern[str]
    shown: str
    single: bool = True

    def found_in(self, keys: Sequence[str]) -> list[str]:
        """The keys, each beginning with `model/`, of the files that are meant."""
        return [key for key in keys if self.pattern.fullmatch(key.removeprefix(MODEL))]

    def strayed(self, keys: Sequence[str]) -> str | None:
        """A key of such a file in the wrong directory."""
        for key in keys:
            parts = key.split("/")
            if any(self.pattern.fullmatch("/".join(parts[start:])) for start in range(len(parts))):
                return key
        return None


def _one(pattern: str, shown_as: str) -> Expected:
    return Expected(re.compile(pattern), shown_as)


def _some(pattern: str, shown_as: str) -> Expected:
    return Expected(re.compile(pattern), shown_as, single=False)


_PICKLE = (_one(r"[^/]+\.m", "*.m"),)
ENGINE_FILES: dict[str, tuple[Expected, ...]] = {
    "TensorFlow": (
        _one(r"saved_model\.pb", "saved_model.pb"),
        _one(r"variables/variables\.index", "variables/variables.index"),
        _some(r"variables/variables\.data-[0-9]{5}-of-[0-9]{5}", "variables/variables.data-00000-of-00001"),
    ),
    "PyTorch": (_one(r"[^/]+\.pth?", "*.pth"),),
    "MXNet": (
        _one(r"[^/]+-symbol\.json", "*-symbol.json"),
        _one(r"[^/]+-0000\.params", "*-0000.params"),
    ),
    "Caffe": (_one(r"deploy\.prototxt", "deploy.prototxt"), _one(r"[^/]+\.caffemodel", "*.caffemodel")),
    "Scikit_Learn": _PICKLE,
    "XGBoost": _PICKLE,
    "Spark_MLlib": (_some(r"spark_model/.+", "spark_model/"),),
    "MindSpore": (_one(r"[^/]+\.ckpt", "*.ckpt"),),
}
"""What each engine's directory `model/` holds. PyTorch's *.pt stands in the vendor's own sample of 2024."""


def wants_code(model_type: str, edition: str) -> bool:
    """Whether `customize_service.py` is required: for PyTorch always, for every engine since 2024."""
    return model_type == "PyTorch" or (model_type in ENGINE_FILES and edition not in _OLD)


def largest(model_type: str, edition: str) -> int:
    """Bytes that a model may have at most: 5 GB until 2021, 20 GB later, 30 GB for Custom."""
    if model_type == "Custom":
        return 30 * _GIB
    return (5 if edition in _OLD else 20) * _GIB


def layout_problems(package: Package, model_type: str, edition: str) -> Iterator[Problem]:
    """Everything that is wrong with which files there are and how large they are."""
    if not package.files:
        yield _nothing(package, model_type)
        return
    keys = sorted(package.files)
    yield from _engine_problems(package, keys, model_type)
    yield from _repeated(keys)
    for key in keys:
        if posixpath.basename(key).casefold() == "dockerfile":
            yield about_file(key, "preflight-dockerfile", "must not be in the model's directory")
    if not package.complete:
        why = f"holds more than {MOST_FILES:,} files; the others were not looked at"
        yield about_file(MODEL, "preflight-not-examined", why)
    most = largest(model_type, edition)
    if package.size > most:
        size = f"{package.size / _GIB:.1f} GB"
        yield about(SOURCE, "preflight-too-large", f"has {size}, and a model may have {most // _GIB} GB")


def absent(package: Package, key: str, why: str) -> Problem:
    """That a text file is not there, with the one that may have been meant."""
    near = [other for other in sorted(package.files) if _name(other) == _name(key)]
    hint = f"; {shown(near[0])} does not count" if near else ""
    return about_file(key, "preflight-file-missing", f"is not there, {why}{hint}")


def too_large(package: Package, key: str) -> Problem | None:
    """That a text file is too large to be one, or None."""
    size = package.files.get(key, 0)
    if size <= LARGEST_TEXT:
        return None
    why = f"has {size:,} bytes, too many for such a file; at most {LARGEST_TEXT:,} are read"
    return about_file(key, "preflight-too-large", why)


def _nothing(package: Package, model_type: str) -> Problem:
    if not package.beside:
        return about(SOURCE, "preflight-source-missing", "nothing lies there; check bucket and path")
    top = {key.split("/")[0] for key in package.beside}
    near = next((name for name in sorted(top) if name.casefold() == "model"), None)
    expected = {"config.json", "customize_service.py", "saved_model.pb"}
    if near:
        hint = f"; {shown(near)} is not it: small letters, and a directory"
    elif top & expected or any(item.found_in(package.beside) for item in ENGINE_FILES.get(model_type, ())):
        hint = "; its files lie in it directly: name the directory above, and call this one model"
    else:
        hint = f"; there is {listed(shown(name) for name in sorted(top)[:3])}"
    return about(SOURCE, "preflight-no-model-directory", f"holds no directory model/{hint}")


def _engine_problems(package: Package, keys: list[str], model_type: str) -> Iterator[Problem]:
    for item in ENGINE_FILES.get(model_type, ()):
        files = item.found_in(keys)
        if not files and package.complete:
            stray = item.strayed(keys)
            hint = f"; {shown(stray)} does not count" if stray else ""
            why = f"holds no {item.shown}, which {model_type} needs{hint}"
            yield about_file(MODEL, "preflight-engine-file-missing", why)
        elif item.single and len(files) > 1:
            names = listed(shown(key.removeprefix(MODEL)) for key in files[:3])
            more = f" and {len(files) - 3} more" if len(files) > 3 else ""  # noqa: PLR2004 - as shown above
            why = f"holds more than one {item.shown}: {names}{more}; keep one"
            yield about_file(MODEL, "preflight-engine-file-repeated", why)
        for key in files:
            if package.files[key] == 0 and item.single:
                yield about_file(key, "preflight-empty-file", "is empty")


def _repeated(keys: list[str]) -> Iterator[Problem]:
    for name in (CONFIG, CODE):
        others = [key for key in keys if key != name and posixpath.basename(key) == _name(name)]
        if name in keys and others:
            why = f"is a second {_name(name)}; there must be exactly one, in model/ itself"
            yield about_file(others[0], "preflight-file-repeated", why)


def _name(key: str) -> str:
    return posixpath.basename(key).casefold()
