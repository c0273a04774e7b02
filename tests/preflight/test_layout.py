"""Which files a model's package holds."""

from __future__ import annotations

import os
from itertools import count
from typing import TYPE_CHECKING

import pytest

from reconciler.preflight import Examination
from reconciler.preflight.package import StoredFile
from tests.preflight.samples import ENGINE_FILES, codes, examined, manifest, package, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OLD_ENGINES = [name for name in ENGINE_FILES if name != "MindSpore"]


@pytest.mark.parametrize("engine", OLD_ENGINES)
def test_a_package_as_specified_is_well(engine: str, tmp_path: Path) -> None:
    """Every engine of 2019."""
    package(tmp_path / "digits", engine)
    assert examined(manifest(model_type=engine), tmp_path) == []


@pytest.mark.parametrize("engine", ["TensorFlow", "PyTorch", "MindSpore"])
def test_a_package_of_today_is_well(engine: str, tmp_path: Path) -> None:
    """Every engine of the current edition."""
    package(tmp_path / "digits", engine)
    assert examined(manifest("current", model_type=engine), tmp_path, "current") == []


@pytest.mark.parametrize(("engine", "name"), [(e, n) for e in OLD_ENGINES for n in ENGINE_FILES[e]])
def test_each_file_of_an_engine_is_missed(engine: str, name: str, tmp_path: Path) -> None:
    """One reason, which names the file and the engine."""
    root = package(tmp_path / "digits", engine)
    (root / "model" / name).unlink()
    (reason,) = examined(manifest(model_type=engine), tmp_path)
    assert reason.code == "preflight-engine-file-missing"
    assert engine in reason.message


def test_a_file_in_the_wrong_directory_is_found_and_does_not_count(tmp_path: Path) -> None:
    """The message says where it lies."""
    root = package(tmp_path / "digits")
    (root / "model/1").mkdir()
    (root / "model/saved_model.pb").rename(root / "model/1/saved_model.pb")
    (reason,) = examined(manifest(), tmp_path)
    assert "model/1/saved_model.pb does not count" in reason.message


def test_there_is_one_model_file_and_one_only(tmp_path: Path) -> None:
    """More than one is an event of the service's own."""
    package(tmp_path / "digits", "PyTorch", model__second_DOT_pth="weights")
    (reason,) = examined(manifest(model_type="PyTorch"), tmp_path)
    assert reason.code == "preflight-engine-file-repeated"
    assert "resnet.pth and second.pth" in reason.message


def test_an_empty_model_file_is_told(tmp_path: Path) -> None:
    """An upload that broke off leaves one."""
    package(tmp_path / "digits", model__saved_model_DOT_pb="")
    (reason,) = examined(manifest(), tmp_path)
    assert (reason.code, reason.message) == ("preflight-empty-file", "model/saved_model.pb: is empty")


def test_a_source_that_is_not_there_is_told(tmp_path: Path) -> None:
    """The one reason, since all others follow from it."""
    (reason,) = examined(manifest(), tmp_path)
    assert reason.code == "preflight-source-missing"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("saved_model.pb", "directly"),
        ("Model/saved_model.pb", "small letters"),
        ("notes.txt", "there is notes.txt"),
    ],
)
def test_a_source_without_a_model_directory_says_what_there_is(name: str, hint: str, tmp_path: Path) -> None:
    """A wrong level, a wrong letter, or something else altogether."""
    write(tmp_path / "digits" / name, "x")
    (reason,) = examined(manifest(), tmp_path)
    assert reason.code == "preflight-no-model-directory"
    assert hint in reason.message


@pytest.mark.parametrize("name", ["model/Dockerfile", "model/image/dockerfile"])
def test_a_dockerfile_does_not_belong_into_a_model(name: str, tmp_path: Path) -> None:
    """A constraint of the vendor's."""
    root = package(tmp_path / "digits")
    write(root / name, "FROM scratch")
    (reason,) = examined(manifest(), tmp_path)
    assert reason.message.startswith(f"{name}: ")
    assert reason.code == "preflight-dockerfile"


@pytest.mark.parametrize(
    ("name", "gigabytes"), [("seed-2019", 5), ("cn-2021", 5), ("otc-2024", 20), ("current", 20)]
)
def test_a_model_has_a_largest_size_in_each_edition(name: str, gigabytes: int, tmp_path: Path) -> None:
    """Files with holes: nothing is written, and nothing of them is read."""
    root = package(tmp_path / "digits")
    rest = sum(path.stat().st_size for path in (root / "model").rglob("*") if path.is_file())
    large = root / "model/saved_model.pb"
    os.truncate(large, gigabytes * 1024**3 - (rest - large.stat().st_size))
    runtime = "python3.6" if name in ("seed-2019", "cn-2021") else "tf1.13-python3.7-cpu"
    sample = manifest(name, runtime=runtime if name == "cn-2021" else ...)
    assert "too-large" not in codes(examined(sample, tmp_path, name))
    write(root / "model/more", "x")
    (reason,) = [reason for reason in examined(sample, tmp_path, name) if "too-large" in reason.code]
    assert f"may have {gigabytes} GB" in reason.message


def test_a_second_configuration_is_one_too_many(tmp_path: Path) -> None:
    """Exactly one config.json, and it lies in model/ itself."""
    package(tmp_path / "digits", model__old__config_DOT_json="{}", model__old__customize_service_DOT_py="")
    reasons = examined(manifest(), tmp_path)
    assert codes(reasons) == ["file-repeated", "file-repeated"]


def test_a_configuration_is_required_unless_the_manifest_carries_it(tmp_path: Path) -> None:
    """`initial_config` takes its place; a file elsewhere or with another case does not."""
    package(tmp_path / "digits", model__config_DOT_json=None, model__Config_DOT_json="{}")
    (reason,) = examined(manifest(), tmp_path)
    assert reason.code == "preflight-file-missing"
    assert "model/Config.json does not count" in reason.message
    carried = {"model_algorithm": "a", "model_type": "TensorFlow"}
    assert examined(manifest(initial_config=carried), tmp_path) == []


@pytest.mark.parametrize(
    ("engine", "name", "required"),
    [("TensorFlow", "cn-2021", False), ("PyTorch", "cn-2021", True), ("TensorFlow", "current", True)],
)
def test_service_code_is_required_by_engine_and_edition(
    engine: str, name: str, required: bool, tmp_path: Path
) -> None:
    """Until 2021 only for PyTorch, later for all."""
    package(tmp_path / "digits", engine, model__customize_service_DOT_py=None)
    reasons = examined(manifest(name, model_type=engine), tmp_path, name)
    assert codes(reasons) == (["file-missing"] if required else [])


def test_a_custom_model_has_no_layout_but_a_size(tmp_path: Path) -> None:
    """Its weights lie as the image wants them; 30 GB at most."""
    write(tmp_path / "digits/weights.bin", "x")
    sample = manifest("current", model_type="Custom", runtime="swr.cn-north-4.myhuaweicloud.com/org/m:1")
    assert examined(sample, tmp_path, "current") == []
    os.truncate(tmp_path / "digits/weights.bin", 30 * 1024**3 + 1)
    assert codes(examined(sample, tmp_path, "current")) == ["too-large"]


class Endless:
    """A source whose list has no end."""

    def list(self, prefix: str) -> Iterator[StoredFile]:
        """Files, numbered."""
        return (StoredFile(f"{prefix}{number}", 1) for number in count())

    def read(self, key: str, limit: int) -> bytes:
        """Never wanted."""
        raise AssertionError(key, limit)

    def close(self) -> None:
        """Nothing is held."""


def test_of_very_many_files_some_are_not_looked_at_and_none_is_missed() -> None:
    """It is said that they were not; what was not seen may be there."""
    (reason,) = Examination("seed-2019", strict=True).judge(manifest(), Endless())
    assert (reason.code, reason.severity) == ("preflight-not-examined", "warning")
    assert "more than 10,000 files" in reason.message
