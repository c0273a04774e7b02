"""What holds for the whole suite: property tests judge results, never the machine's speed."""

from __future__ import annotations

import gc
import importlib
import itertools
import os
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from reconciler import redaction
from reconciler.log import silence
from tests.cluster import SHARED
from tests.effort import examples

if TYPE_CHECKING:
    from collections.abc import Generator

settings.register_profile(
    "suite", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=examples(100)
)
settings.register_profile("torture", settings.get_profile("suite"), max_examples=3000, stateful_step_count=60)
settings.load_profile("suite")
_ROOM = 4 << 30  # bytes: all that the suite keeps at one time, and more


def _keep_files_in_memory() -> None:
    """Temporary files lie where syncing costs nothing, if there is room and a program may be run there."""
    memory = Path("/dev/shm")  # noqa: S108 - the one that Linux has
    if not memory.is_dir() or "TMPDIR" in os.environ:
        return
    facts = os.statvfs(memory)
    if facts.f_bavail * facts.f_frsize > _ROOM and not facts.f_flag & os.ST_NOEXEC:
        os.environ["TMPDIR"] = str(memory)
        tempfile.tempdir = None  # it is looked for again


_keep_files_in_memory()
silence()  # before any test captures lines, and then has the library as it was


def pytest_configure(config: pytest.Config) -> None:
    """The workers, which are started later, share a folder."""
    if SHARED not in os.environ:
        os.environ[SHARED] = folder = tempfile.mkdtemp(prefix="suite-")
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


def pytest_xdist_auto_num_workers() -> int:
    """For `-n auto`: one a core, and at least as many as keep two cores busy while most tests wait."""
    return max(6, os.cpu_count() or 1)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each worker begins with long modules, whole; what it has not reached others take, from the end."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0"))
    paths = {item.path for item in items if workers and item.get_closest_marker("long")}
    modules: dict[Path, list[pytest.Item]] = {}
    for item in items:
        if item.path in paths:
            modules.setdefault(item.path, []).append(item)
    others = iter([item for item in items if item.path not in paths])
    longest_first = list(modules.values())[::-1]  # `torture` is one of the last
    ordered, left = list[pytest.Item](), len(items)
    for worker in range(workers):
        share = list(itertools.chain(*longest_first[worker::workers]))
        size = left // (workers - worker)  # as xdist cuts the list
        ordered += [*share, *itertools.islice(others, max(0, size - len(share)))]
        left -= size
    items[:] = [*ordered, *others]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported and collected stays: looking through it for garbage takes as long as all the rest."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Workers share the compiling: each begins elsewhere, and finds what the others have written since."""
    place, of = os.environ.get("PYTEST_XDIST_WORKER"), os.environ.get("PYTEST_XDIST_WORKER_COUNT")
    if isinstance(collector, pytest.Session) and place and of and not sys.dont_write_bytecode:
        modules = sorted(Path(__file__).parent.rglob("test_*.py"))
        first = len(modules) * int(place.removeprefix("gw")) // int(of)
        for module in (*modules[first:], *modules[:first]):
            _import(".".join(module.relative_to(collector.config.rootpath).with_suffix("").parts))


def _import(name: str) -> None:
    """Imports a module; whatever hinders it is told as it is collected."""
    with suppress(BaseException):
        importlib.import_module(name)


@pytest.fixture(autouse=True)
def _a_process_of_its_own() -> None:
    """Each test stands for a process: it knows no secret of the tests before it."""
    redaction._read.clear()
