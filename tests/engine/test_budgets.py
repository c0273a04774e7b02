"""A commit that declares too much is told once, and what was known before goes on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from reconciler.budgets import DEFAULTS, Budgets
from reconciler.contract import edition
from reconciler.engine.manifest_parser import ManifestParser
from reconciler.engine.values import EventKind, Verdict
from reconciler.manifest.values import MORE
from tests.engine.worlds import MemorySource, World, text

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.engine.values import ParsedFile, Report

SMALL = Budgets(manifests=5)
BAD: dict[str, str | None] = {f"models.d/bad{number}.yaml": text(f"bad{number}") for number in range(9)}


@pytest.fixture(params=[1, 1000])
def world(tmp_path: Path, request: pytest.FixtureRequest) -> World:
    """Two models are declared and imported, few enough; with and without incremental cycles."""
    made = World(tmp_path, budgets=SMALL, judge_all_below=request.param)
    made.source.commit({f"models.d/{name}.yaml": text(name) for name in "ab"})
    _applied(made)
    return made


def _applied(world: World, **options: bool) -> Report:
    for model in world.registry.models.values():
        model["model_status"] = "published"
    return asyncio.run(world.apply(**options))


def _verdicts(report: Report) -> dict[str, Verdict]:
    return {str(item.pair or item.path): item.verdict for item in report.items}


def _imports(world: World) -> int:
    return sum(event.kind is EventKind.IMPORT_REQUESTED for event in world.events)


def test_what_was_known_goes_on_while_a_commit_declares_too_much(world: World) -> None:
    """Nothing is missing, unmanaged or imported twice; one item names the setting; it ends with its cause."""
    held = {"a@1.0.0": Verdict.IN_SYNC, "b@1.0.0": Verdict.IN_SYNC, "models.d": Verdict.INVALID}
    world.source.commit(BAD)
    for _ in range(3):
        report = _applied(world)
        assert _verdicts(report) == held
        reasons = [reason for item in report.items for reason in item.reasons]
        assert [reason.code for reason in reasons] == ["over-budget"]
        assert "limits.manifests" in reasons[0].message
        assert "goes on" in reasons[0].message
    assert _imports(world) == 2
    world.source.commit(dict.fromkeys(BAD) | {"models.d/c.yaml": text("c")})
    report = _applied(world)
    assert set(_verdicts(report)) == {"a@1.0.0", "b@1.0.0", "c@1.0.0"}
    assert _imports(world) == 3


def test_a_model_that_is_due_is_imported_by_what_was_known(world: World) -> None:
    """A commit of somebody else does not hold it up."""
    world.source.commit({"models.d/c.yaml": text("c")})
    asyncio.run(world.apply(act=False))
    world.registry.models.clear()
    _applied(world)
    world.source.commit(BAD)
    assert _verdicts(_applied(world))["c@1.0.0"] in (Verdict.IN_SYNC, Verdict.PUBLISHING)


def test_without_the_index_the_commit_reconciled_last_is_read_again(world: World) -> None:
    """The index is a cache: losing it beside a bad commit loses nothing."""
    world.source.commit(BAD)
    _applied(world)
    (world.folder / "index.db").unlink()
    assert _verdicts(_applied(world)) == {
        "a@1.0.0": Verdict.IN_SYNC,
        "b@1.0.0": Verdict.IN_SYNC,
        "models.d": Verdict.INVALID,
    }


def test_where_nothing_is_known_nothing_is_concluded(world: World) -> None:
    """Neither the state nor the index remembers anything: registered models are not called unmanaged."""
    world.source.commit(BAD)
    for file in world.folder.iterdir():
        file.unlink()
    for _ in range(2):
        assert _verdicts(_applied(world)) == {"models.d": Verdict.INVALID}
    assert _imports(world) == 2


def test_models_grow_one_by_one_up_to_the_budget(world: World) -> None:
    """A small commit over the budget is held as a large one is."""
    for name in "cdef":
        world.source.commit({f"models.d/{name}.yaml": text(name)})
        report = _applied(world)
    assert [item.path for item in report.items if item.verdict is Verdict.INVALID] == ["models.d"]
    assert _imports(world) == 5


def test_what_came_one_by_one_may_be_more_than_one_cycle_reads(tmp_path: Path) -> None:
    """It is compared with the registry, and its index is checked, all the same."""
    world = World(tmp_path, budgets=Budgets(manifest_bytes=len(text("a")) + 1))
    for name in "abc":
        world.source.commit({f"models.d/{name}.yaml": text(name)})
        _applied(world)
    world.wait(8 * 86_400)
    world.source.commit({"models.d/d.yaml": text("d")})
    assert set(_verdicts(_applied(world))) == {f"{name}@1.0.0" for name in "abcd"}


def test_problems_are_told_up_to_a_number_and_counted_beyond(tmp_path: Path) -> None:
    """Of a file, and of a target; once some are mended, others are told."""
    world = World(tmp_path, budgets=Budgets(faults=6, file_faults=3), judge_all_below=1)
    wrong = "".join(f"wrong{number}: 1\n" for number in range(20))
    world.source.commit({f"models.d/{name}.yaml": wrong for name in "abcdef"})
    for mended in range(3):
        report = _applied(world, whole=False)
        faulty = [item for item in report.items if item.verdict is Verdict.INVALID]
        assert sum(len(item.reasons) for item in faulty) <= 7
        assert "more problems; correct these first" in faulty[0].reasons[-1].message
        assert faulty[-1].reasons[0].code == MORE
        assert "limits.faults" in faulty[-1].reasons[0].message
        assert faulty[0].path == f"models.d/{'abcdef'[mended]}.yaml"
        world.source.commit({f"models.d/{'abcdef'[mended]}.yaml": None})


def test_a_conflict_names_the_first_of_its_places(tmp_path: Path) -> None:
    """A thousand manifests that claim one pair are a line, and not a million."""
    world = World(tmp_path)
    world.source.commit({f"models.d/{number:04}.yaml": text("a") for number in range(1000)})
    item = _applied(world).items[0]
    assert (item.verdict, len(item.reasons)) == (Verdict.CONFLICT, 10)
    assert "models.d/0009.yaml:1 and 990 more" in item.reasons[0].message
    assert len(str(item)) < 10_000


def test_one_content_at_many_paths_says_at_each_what_it_says_alone() -> None:
    """It is taken apart once; only what names a file beside it is read anew at each place."""
    beside = text("c") + "initial_config_file: i.json\n"
    contents = [text("a"), "model_name: [", "x: 1\n---\n" + text("b"), beside]
    source = MemorySource()
    names = ("a.yaml", "b.yml", "team/a.yaml", "a.json", "b.JSON")
    source.commit({f"models.d/{at}/{name}": each for at, each in enumerate(contents) for name in names})
    parser = ManifestParser(edition("seed-2019"), "models.d")
    files = {file.path: file for file in source.snapshot(source.head(), "models.d").files}
    together = {
        parsed_file.path: parsed_file for parsed_file, _ in parser.read(source, files.values(), files.get)
    }
    alone: dict[str, ParsedFile] = {}
    for file in files.values():
        alone |= {parsed_file.path: parsed_file for parsed_file, _ in parser.read(source, [file], files.get)}
    assert together == alone
    assert len(together) == len(contents) * len(names)


@pytest.mark.parametrize("name", ["x" * 2000 + ".yaml", "x/" * 1000 + "a.yaml"])
def test_a_path_that_is_too_long_is_refused_and_shown_shortened(tmp_path: Path, name: str) -> None:
    """Nothing else is held up."""
    world = World(tmp_path)
    world.source.commit({f"models.d/{name}": text("long"), "models.d/a.yaml": text("a")})
    for _ in range(2):  # the second time, as the index has it
        invalid, good = _applied(world).items
        assert invalid.reasons[0].code == "path-too-long"
        assert len(str(invalid.path)) == DEFAULTS.path
        assert invalid.author is not None
        assert (good.model_name, good.verdict.needs_human) == ("a", False)
