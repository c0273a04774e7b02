"""What a command imports: nothing it has no use for, since importing is most of what a start costs."""

from __future__ import annotations

import subprocess
import sys
from inspect import get_annotations
from typing import TYPE_CHECKING

import pytest

from reconciler.contract import EDITIONS, edition
from reconciler.contract.structs import Struct
from reconciler.settings import Settings
from reconciler.settings.section import Section
from tests.git_repository import git_environment
from tests.program import Fleet, Program, manifest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.long

LIBRARIES = frozenset(
    {
        "alembic",
        "apscheduler",
        "asyncio",
        "deepdiff",
        "git",
        "httpx",
        "jinja2",
        "minio",
        "prometheus_client",
        "psycopg",
        "pydantic",
        "rich",
        "sqlalchemy",
        "starlette",
        "structlog",
        "typer",
        "uvicorn",
        "asyncinotify",
        "yaml",
    }
)
"""What takes its time to import."""

USES = {
    "--help": {"typer"},
    "--version": {"typer", "pydantic"},
    "plan --help": {"typer", "pydantic", "asyncio"},
    "validate models.d/a-1.0.0.yaml": set(),
    "validate -q --target=local --config reconciler.toml models.d": set(),
    "validate --output json": {"typer", "pydantic"},
    "validate --commit HEAD": {"typer", "pydantic", "yaml", "git"},
    "schema": {"typer", "pydantic", "yaml"},
    "schema config": {"typer", "pydantic", "yaml"},
    "status": {"typer", "pydantic", "yaml", "sqlalchemy", "asyncio"},
    "history": {"pydantic", "git"},
    "history --output json": {"typer", "pydantic", "git"},
    "state check": {"typer", "pydantic", "yaml", "sqlalchemy", "asyncio"},
}
"""The most that each command may import of them."""

NEEDLESS = {
    "importlib.metadata",
    "reconciler.contract.canonical",
    "reconciler.manifest",
    "reconciler.settings.tables",
    "reconciler.source.repository",
    "reconciler.views.as_json",
}
"""What an `apply` with nothing to do has no use for, and would be quick to import again by mistake."""

NO_VERDICT = {
    "importlib.metadata",
    "reconciler.engine.values.journal",
    "reconciler.engine.values.report",
    "reconciler.views.hosts",
    "reconciler.views.markdown",
}
"""What `validate` of a file has no use for."""

NO_CYCLE = {
    "email",
    "importlib.metadata",
    "reconciler.engine.plan",
    "reconciler.manifest.reading",
    "reconciler.settings.schema",
}
"""What `history` has no use for."""

_ONE = "models.d/a-1.0.0.yaml"
_MOST_OF_OURS = 80
"""Modules of this package that `validate` of a file loads."""

_TELLING = """
import sys
from reconciler.cli import main
try:
    main()
finally:
    # what only stands in for a module has no specification of how it was found
    imported = (name for name, module in sys.modules.items() if getattr(module, "__spec__", None))
    sys.stderr.write("imported: " + " ".join(imported))
"""


def _imported(fleet: Fleet, command: str, code: int = 0) -> list[str]:
    """The modules there are after a command did its work, in a process of its own that ends so."""
    done = subprocess.run(
        [sys.executable, "-c", _TELLING, *command.split()],
        cwd=fleet.folder,
        env=git_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stderr.rpartition("imported: ")[2].split()


@pytest.mark.parametrize("command", USES)
def test_a_command_imports_no_library_without_a_use_for_it(fleet: Fleet, command: str) -> None:
    """The lists above are the most."""
    if command.startswith(("state ", "history")):
        assert fleet("apply").code == 0
    if command.startswith("validate "):
        assert fleet(*command.split()).code == 0  # and keeps what it needs of the configuration
    imported = {name.partition(".")[0] for name in _imported(fleet, command)}
    assert (imported & LIBRARIES) - USES[command] == set()


def test_a_state_of_this_version_is_used_without_alembic(fleet: Fleet) -> None:
    """Reading and writing: it is loaded to bring an older state up to date, and for nothing else."""
    for command in ("apply", "apply --refresh", "plan", "state rebuild", "state migrate"):
        imported = {name.partition(".")[0] for name in _imported(fleet, command)}
        assert "sqlalchemy" in imported
        assert imported & {"alembic", "mako"} == set()


def test_a_command_imports_no_other_command(fleet: Fleet) -> None:
    """Each is loaded when it is called."""
    own = {name for name in _imported(fleet, "schema") if name.startswith("reconciler.cli.")}
    assert own == {
        f"reconciler.cli.{name}"
        for name in ("commands", "options", "program", "schema", "terminal", "tuning")
    }


def test_an_apply_with_nothing_to_do_ends_before_the_framework_and_the_engine_are_loaded(
    fleet: Fleet,
) -> None:
    """In each form in which it is scheduled; what asks for more is carried out as a whole."""
    assert [fleet("apply").code for _ in range(2)] == [0, 0]
    config = fleet.folder / "elsewhere.toml"
    config.write_text("", "utf-8")
    for options in ("", "-q", "--no-wait --quiet", "--target local", "--target=local -o text", "--wait"):
        names = _imported(fleet, f"apply {options}")
        assert {name.partition(".")[0] for name in names} & LIBRARIES == set(), options
        assert NEEDLESS.isdisjoint(names), options
    for options in ("--refresh", "--verbose", "--output json", f"--config {config}"):
        assert {"typer", "sqlalchemy"} <= set(_imported(fleet, f"apply {options}")), options


def test_validate_of_a_file_loads_no_verdict_and_no_other_form_of_output(fleet: Fleet) -> None:
    """A hook runs it for each commit; the first time, or where something is wrong, pydantic judges."""
    first = _imported(fleet, f"validate {_ONE}")
    assert {"pydantic", "reconciler.settings.tables"} <= set(first)
    names = _imported(fleet, f"validate {_ONE}")
    assert NO_VERDICT.isdisjoint(names)
    assert {"pydantic", "pydantic_core", "reconciler.settings.section"}.isdisjoint(names)
    assert sum(name.startswith("reconciler.") for name in names) <= _MOST_OF_OURS
    fleet.repository.write({_ONE: manifest("a@1.0")})
    assert "pydantic" in _imported(fleet, f"validate {_ONE}", code=1)


def test_history_loads_no_framework_in_a_plain_form_and_nothing_that_a_cycle_needs(fleet: Fleet) -> None:
    """Of everything, of one model by its name or its id."""
    model_id = fleet.json("apply").items["a@1.0.0"]["model_id"]
    for options in ("", "a@1.0.0", f"--model-id={model_id} -v", "a --since 90d --author X --target local -q"):
        names = _imported(fleet, f"history {options}")
        assert {name.partition(".")[0] for name in names} & LIBRARIES <= USES["history"], options
        assert NO_CYCLE.isdisjoint(names), options


@pytest.mark.parametrize("base", [Section, Struct])
def test_no_annotation_that_pydantic_reads_is_text(base: type[object]) -> None:
    """It would be compiled and evaluated once more for each field, at each start."""
    for name in EDITIONS:
        edition(name)
    models: list[type[object]] = [Settings, *_below(base)]
    assert len(models) > 10
    texts = [
        f"{model.__name__}.{field}"
        for model in models
        for field, kind in get_annotations(model).items()
        if isinstance(kind, str)
    ]
    assert texts == []


def _below(model: type[object]) -> Iterator[type[object]]:
    for one in model.__subclasses__():
        yield one
        yield from _below(one)


def test_what_stands_in_for_pydantics_search_for_plugins_gives_way_to_it() -> None:
    """A pydantic that asks for anything else finds the module itself."""
    asking = """
from reconciler.cli import tuning
tuning.for_a_command()
import sys
from pydantic.plugin import _loader
print(_loader.__spec__, _loader.get_plugins(), _loader.PYDANTIC_ENTRY_POINT_GROUP)
print(sys.modules[_loader.__name__].__spec__.name)
"""
    printed = subprocess.run(
        [sys.executable, "-c", asking], capture_output=True, check=True, text=True
    ).stdout
    assert printed.split() == ["None", "()", "pydantic", "pydantic.plugin._loader"]


def test_what_stands_in_for_the_metadata_of_packages_gives_way_to_it() -> None:
    """Whoever asks for a version, a name or a module below it finds them."""
    asking = """
from reconciler.cli import tuning
tuning.for_a_command()
import importlib.metadata, sys
print(importlib.metadata.__spec__, "email" in sys.modules)
print(importlib.metadata.version("pydantic") != "", importlib.metadata.__spec__.name)
from importlib.metadata import entry_points
import importlib.metadata._meta
print(callable(entry_points), sys.modules["importlib.metadata"] is importlib.metadata)
"""
    printed = subprocess.run(
        [sys.executable, "-c", asking], capture_output=True, check=True, text=True
    ).stdout
    assert printed.split() == ["None", "False", "True", "importlib.metadata", "True", "True"]


def test_every_command_of_the_list_is_there(tmp_path: Path) -> None:
    """The list is written without looking at them: each has help of its own, with options."""
    program = Program(tmp_path)
    lines = program("--help").out.partition("Commands:\n")[2].splitlines()
    assert len(lines) > 1
    for line in lines:
        done = program(line.split()[0], "--help")
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith(f"Usage: reconciler {line.split()[0]} ")
        assert "--help" in done.out


def test_a_line_of_the_list_is_told_whole(tmp_path: Path) -> None:
    """Each fits a terminal: none is cut off or broken."""
    lines = Program(tmp_path)("--help").out.partition("Commands:\n")[2].splitlines()
    assert [line for line in lines if not line.endswith(".") or line.endswith("...")] == []
