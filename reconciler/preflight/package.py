"""A model's package: its files, what was found of them, and the layout that each engine wants of `model/`.

The rules are pure; their tables are the vendor's package specification of 2021 and 2025 and the texts of its
import events.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol

from reconciler.budgets import shortened
from reconciler.contract.problem import ABSENT, Problem, warning
from reconciler.errors import Exit, ReconcilerError
from reconciler.phrases import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


SOURCE = "source_location"

NOT_EXAMINED = "preflight-not-examined"
"""The code of what could not be looked at; it stays a warning where all else is made an error."""

_WIDEST_KEY = 120


class StoredFile(NamedTuple):
    """One file: its key, with `/` between the parts and relative to the source, and its size in bytes."""

    key: str
    size: int


class ModelFiles(Protocol):
    """Reading access to the files of one source."""

    def list(self, prefix: str) -> Iterable[StoredFile]:
        """The files whose keys begin with `prefix`, which is empty or ends with `/`; in any order.

        Raises:
            FilesUnavailable: they cannot be listed; also while iterating.
        """

    def read(self, key: str, limit: int) -> bytes:
        """The first `limit` bytes of a file, or all of them where there are fewer.

        Raises:
            FilesUnavailable: it cannot be read.
        """

    def close(self) -> None:
        """Lets go of connections."""


class FilesUnavailable(ReconcilerError):  # noqa: N818 - reads as what is true of the files
    """The files of a source cannot be looked at.

    Attributes:
        code: `preflight-address` (the address is wrong), `preflight-source-missing` (no such source),
            `preflight-denied` (access was refused; never tried again), `preflight-unavailable` (no usable
            answer; later perhaps), `preflight-region` (the service takes nothing from there), or
            `preflight-not-examined` (nobody may or can look there).
    """

    exit_code = Exit.UNAVAILABLE

    def __init__(self, code: str, why: str) -> None:
        self.problem = about(SOURCE, code, why)
        super().__init__(self.problem.message)
        self.code = code


def about(field_name: str, code: str, why: str, value: object = ABSENT) -> Problem:
    """What is wrong with a field of the manifest."""
    return warning(code, (field_name,), why, value)


def about_file(key: str, code: str, why: str) -> Problem:
    """What is wrong with a file of the model, or with the directory `model/`."""
    return Problem(code, f"{shown(key)}: {why}", (SOURCE,), "warning")


def shown(key: str) -> str:
    """A key for a message: as it is where all of it can be printed, else as a literal."""
    text = shortened(key, _WIDEST_KEY)
    return text if text.isprintable() else repr(text)


MODEL = "model/"
CONFIG = f"{MODEL}config.json"
CODE = f"{MODEL}customize_service.py"

_MOST_FILES = 10_000  # that are looked at
_MOST_BESIDE = 200
_LARGEST_TEXT = 256 * 1024
"""Bytes of a config.json or customize_service.py that is read; larger ones are told about."""


@dataclass(frozen=True, slots=True)
class Package:
    """The files of one source.

    Attributes:
        files: sizes in bytes by key, of what lies in `model/`; of the whole source where all of it counts.
        complete: whether `files` is all there is.
        beside: where `model/` is empty, some keys of what else there is.
        config: content of `model/config.json`, or None where it is absent, too large or not wanted.
        code: content of `model/customize_service.py`, likewise.
    """

    files: Mapping[str, int]
    complete: bool = True
    beside: tuple[str, ...] = ()
    config: bytes | None = None
    code: bytes | None = None

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(self.files.values())

    def lacks(self, key: str) -> bool:
        """Whether it is certain that a file is not there."""
        return self.complete and key not in self.files


def gather(files: ModelFiles, *, whole: bool = False, texts: frozenset[str] = frozenset()) -> Package:
    """Looks at a source.

    The `whole` of it counts, or only its directory `model/`; of `CONFIG` and `CODE`, those in `texts` are
    read. Raises FilesUnavailable.
    """
    sizes = dict(islice(files.list("" if whole else MODEL), _MOST_FILES + 1))
    beside: tuple[str, ...] = ()
    if not sizes and not whole:
        beside = tuple(key for key, _ in islice(files.list(""), _MOST_BESIDE))
    complete = len(sizes) <= _MOST_FILES
    contents = {
        key: files.read(key, _LARGEST_TEXT)
        for key in sorted(texts)
        if key in sizes and sizes[key] <= _LARGEST_TEXT
    }
    return Package(MappingProxyType(sizes), complete, beside, contents.get(CONFIG), contents.get(CODE))


_GIB = 1024**3
_OLD = ("seed-2019", "cn-2021")


@dataclass(frozen=True, slots=True)
class Expected:
    """One file, or kind of file, that an engine wants.

    Attributes:
        key: what its key inside `model/` is like.
        shown: how people write it.
        single: whether there must not be a second one.
    """

    key: re.Pattern[str]
    shown: str
    single: bool = True

    def found_in(self, keys: Sequence[str]) -> list[str]:
        """The keys, each beginning with `model/`, of the files that are meant."""
        return [key for key in keys if self.key.fullmatch(key.removeprefix(MODEL))]

    def strayed(self, keys: Sequence[str]) -> str | None:
        """A key of such a file in the wrong directory."""
        for key in keys:
            parts = key.split("/")
            if any(self.key.fullmatch("/".join(parts[start:])) for start in range(len(parts))):
                return key
        return None


_PICKLE = (Expected(re.compile(r"[^/]+\.m"), "*.m"),)
ENGINE_FILES: dict[str, tuple[Expected, ...]] = {
    "TensorFlow": (
        Expected(re.compile(r"saved_model\.pb"), "saved_model.pb"),
        Expected(re.compile(r"variables/variables\.index"), "variables/variables.index"),
        Expected(
            re.compile(r"variables/variables\.data-[0-9]{5}-of-[0-9]{5}"),
            "variables/variables.data-00000-of-00001",
            single=False,
        ),
    ),
    "PyTorch": (Expected(re.compile(r"[^/]+\.pth?"), "*.pth"),),
    "MXNet": (
        Expected(re.compile(r"[^/]+-symbol\.json"), "*-symbol.json"),
        Expected(re.compile(r"[^/]+-0000\.params"), "*-0000.params"),
    ),
    "Caffe": (
        Expected(re.compile(r"deploy\.prototxt"), "deploy.prototxt"),
        Expected(re.compile(r"[^/]+\.caffemodel"), "*.caffemodel"),
    ),
    "Scikit_Learn": _PICKLE,
    "XGBoost": _PICKLE,
    "Spark_MLlib": (Expected(re.compile(r"spark_model/.+"), "spark_model/", single=False),),
    "MindSpore": (Expected(re.compile(r"[^/]+\.ckpt"), "*.ckpt"),),
}
"""What each engine's directory `model/` holds. PyTorch's *.pt stands in the vendor's own sample of 2024."""


def wants_code(model_type: str, edition: str) -> bool:
    """Whether `customize_service.py` is required: for PyTorch always, for every engine since 2024."""
    return model_type == "PyTorch" or (model_type in ENGINE_FILES and edition not in _OLD)


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
        why = f"holds more than {_MOST_FILES:,} files; the others were not looked at"
        yield about_file(MODEL, "preflight-not-examined", why)
    most = _largest(model_type, edition)
    if package.size > most * _GIB:
        size = f"{package.size / _GIB:.1f} GB"
        yield about(SOURCE, "preflight-too-large", f"has {size}, and a model may have {most} GB")


def _largest(model_type: str, edition: str) -> int:
    """Gigabytes that a model may have at most: 5 until 2021, 20 later, 30 for Custom."""
    if model_type == "Custom":
        return 30
    return 5 if edition in _OLD else 20


def absent(package: Package, key: str, why: str) -> Problem:
    """That a text file is not there, with the one that may have been meant."""
    near = [other for other in sorted(package.files) if _name(other) == _name(key)]
    hint = f"; {shown(near[0])} does not count" if near else ""
    return about_file(key, "preflight-file-missing", f"is not there, {why}{hint}")


def too_large(package: Package, key: str) -> Problem | None:
    """That a text file is too large to be one, or None."""
    size = package.files.get(key, 0)
    if size <= _LARGEST_TEXT:
        return None
    why = f"has {size:,} bytes, too many for such a file; at most {_LARGEST_TEXT:,} are read"
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
