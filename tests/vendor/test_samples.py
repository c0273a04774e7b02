"""Files as people have them: configurations copied from the vendor's samples, and a merge left half done."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from reconciler.contract import EDITIONS
from tests.contract.documents import minimal
from tests.vendor.test_editions import registered, sent

if TYPE_CHECKING:
    from pathlib import Path

MISSPELT = """{"model_algorithm": "image_classification", "model_type": "PyTorch", "runtime": "python3.6",
 "apis": [{"procotol": "http", "url": "/", "method": "post",
   "request": {"Content-type": "multipart/form-data", "data": {"type": "object"}},
   "response": {"Content-type": "application/json", "data": {"type": "object"}}}]}
"""
KEYWORDS = """model_name: keywords
model_version: 1.0.0
model_type: TensorFlow
source_location: https://models.obs.example.com/keywords
initial_config_file: config.json
"""
PARAMETERS = """model_name: keywords
model_version: 1.0.1
model_type: TensorFlow
source_location: https://models.obs.example.com/keywords
initial_config:
  model_algorithm: keyword_spotting
  input_params:
    - {url: /, protocol: http, method: post, param_name: audio, param_type: file}
  output_params:
    - {url: /, protocol: http, method: post, param_name: word, param_type: string}
"""
CONFLICT = """model_name: keywords
<<<<<<< HEAD
model_version: 1.0.2
=======
model_version: 1.0.3
>>>>>>> topic
model_type: TensorFlow
source_location: https://models.obs.example.com/keywords
"""


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_misspelling_of_the_vendors_own_sample_is_one_warning_in_its_file_and_sent_as_it_stands(
    edition: str, tmp_path: Path
) -> None:
    """At file, line and column of the configuration, whichever of the two files is named; never drift."""
    text = MISSPELT.replace("PyTorch", "TensorFlow").replace(', "runtime": "python3.6"', "")
    with registered(tmp_path, edition) as (fleet, database):
        fleet.commit({"models.d/k/keywords.yaml": KEYWORDS, "models.d/k/config.json": text})
        for paths in ([], ["models.d/k/keywords.yaml"], ["models.d/k/config.json"]):
            done = fleet("validate", *paths, "--output", "json")
            (problem,) = done.json["problems"]
            assert (done.code, problem["severity"], problem["code"]) == (0, "warning", "unknown-field")
            place = [problem[name] for name in ("path", "line", "column")]
            assert place == ["models.d/k/config.json", 2, 12]
            assert problem["message"].endswith("did you mean 'protocol'?")
        shown = fleet("validate").out.splitlines()
        assert shown[0].startswith("models.d/k/config.json:2:12: warning: ")
        assert shown[1].strip().startswith('"apis": [{"procotol"')
        assert shown[2].index("^") == shown[1].index('"procotol"')
        assert fleet("apply").code == 0
        (body,) = sent(database).values()
        assert body["initial_config"] == text
        assert fleet.json("plan", "--refresh").verdicts == {"keywords@1.0.0": "in-sync"}


def test_a_target_may_be_strict_about_configurations(tmp_path: Path) -> None:
    """Then the same is an error, at the same place, and nothing is imported."""
    with registered(tmp_path, "seed-2019") as (fleet, database):
        path = fleet.folder / "reconciler.toml"
        fleet.commit({"models.d/k/keywords.yaml": KEYWORDS, "models.d/k/config.json": MISSPELT})
        assert fleet("plan").code == 0
        path.write_text(path.read_text().replace("[follow]", "strict_config = true\n[follow]", 1))
        for options in ([], ["models.d/k/config.json"], ["--commit", "HEAD"]):
            done = fleet("validate", *options)
            assert (done.code, "config.json:2:12: initial_config.apis[0].procotol" in done.out) == (1, True)
        assert (fleet.json("apply").verdicts, sent(database)) == ({"keywords@1.0.0": "invalid"}, {})
        assert fleet("doctor").code == 1


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_configuration_may_hold_the_parameters_that_table_2_names(edition: str, tmp_path: Path) -> None:
    """Row `initial_config` of the import page; the registry shows them as the model's own."""
    with registered(tmp_path, edition) as (fleet, database):
        fleet.commit({"models.d/keywords.yaml": PARAMETERS})
        validated = fleet("validate", "--output", "json")
        assert (validated.code, validated.json["problems"]) == (0, [])
        assert fleet("apply").code == 0
        (body,) = sent(database).values()
        config = json.loads(body["initial_config"])
        assert config["input_params"][0]["param_name"] == "audio"
        assert fleet.json("plan", "--refresh").verdicts == {"keywords@1.0.1": "in-sync"}


CONFLICTS = {
    "models.d/keywords.yaml": (CONFLICT, 2, "<<<<<<<"),
    "models.d/markers.yaml": (f"<<<<<<< HEAD\n---\n{CONFLICT.partition('<<<')[0]}", 1, "<<<<<<<"),
    "models.d/left.yaml": (CONFLICT.replace("<<<<<<< HEAD\n", ""), 3, "======="),
    "models.d/base.yaml": (CONFLICT.replace("<<<<<<< HEAD", "||||||| 1a2b3c"), 2, "|||||||"),
    "models.d/list.json": ('{"model_name": "a",\n>>>>>>> topic\n}\n', 2, ">>>>>>>"),
}


@pytest.mark.parametrize("path", CONFLICTS)
def test_conflict_markers_of_git_are_called_that_with_their_line(path: str, tmp_path: Path) -> None:
    """In YAML and JSON, whole or half removed; only the one file is invalid."""
    text, line, marker = CONFLICTS[path]
    with registered(tmp_path, "seed-2019") as (fleet, _):
        fleet.commit({path: text, "models.d/good.json": json.dumps(minimal())})
        done = fleet("validate")
        assert done.code == 1
        assert done.out.startswith(f"{path}:{line}:1: git's conflict markers stand here ({marker}): resolve")
        assert fleet.json("apply").verdicts["mnist@1.0.0"] == "in-sync"


def test_text_that_looks_like_a_marker_inside_a_manifest_is_no_conflict(tmp_path: Path) -> None:
    """A file that can be read has none."""
    described = json.dumps(minimal(description="<<<<<<< see"))
    block = "---\nmodel_name: x\nmodel_version: 1.0.0\nmodel_type: Image\nsource_location: s/i:1\n"
    with registered(tmp_path, "seed-2019") as (fleet, _):
        block += "metadata:\n  notes: |\n    title\n    =======\n"
        fleet.commit({"models.d/a.json": described, "models.d/b.yaml": block})
        assert fleet("validate").code == 0
