"""The import page of 2019 row by row: each limit at its edge, each word of each list, and the example.

A row is named as in the document: the table's number and the field. `right` are values that the row allows,
`wrong` those it does not, `doubtful` those that the document itself contradicts: accepted with a warning.
"""

# ruff: noqa: E501 - a table of rows is read row by row

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.contract import edition
from tests.contract.documents import VENDOR_EXAMPLE, as_text, minimal
from tests.vendor.test_editions import registered

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SEED = edition("seed-2019")
REQUIRED, OPTIONAL = True, False
ABSENT = ...


@dataclass(frozen=True)
class Row:
    """One row of the document.

    Attributes:
        table: its number.
        field: as the document names it.
        needed: what its column 是否必选 says.
        place: puts a value of the field into a document; `ABSENT` leaves the field out.
        right, wrong, doubtful: values.
    """

    table: int
    field: str
    needed: bool
    place: Callable[[Any], dict[str, Any]]
    right: tuple[Any, ...]
    wrong: tuple[Any, ...] = ()
    doubtful: tuple[Any, ...] = ()


def top(field: str) -> Callable[[Any], dict[str, Any]]:
    """A field of the request."""
    return lambda value: minimal(**{field: value})


def changed(struct: dict[str, Any], field: str, value: Any) -> dict[str, Any]:
    """The struct with another value of one field."""
    return {key: inner for key, inner in {**struct, field: value}.items() if inner is not ABSENT}


_PARAM = {"url": "/", "method": "post", "protocol": "http", "param_name": "x", "param_type": "int"}
_PACKAGE = {"package_name": "numpy", "package_version": "1.5.0", "restraint": "ATLEAST"}
_DOC = {"doc_name": "d", "doc_url": "https://x/y"}
_METRICS = {"f1": 0.5, "recall": 0.5, "precision": 0.5, "accuracy": 0.5}
_DEPENDENCY = {"installer": "pip", "packages": [_PACKAGE]}
_SPECIAL = tuple(f"a{character}b" for character in "&!'\"<>=")


def param(field: str) -> Callable[[Any], dict[str, Any]]:
    """A field of a params struct."""
    return lambda value: minimal(input_params=[changed(_PARAM, field, value)])


def package(field: str) -> Callable[[Any], dict[str, Any]]:
    """A field of a package struct."""
    return lambda value: minimal(
        dependencies=[{"installer": "pip", "packages": [changed(_PACKAGE, field, value)]}]
    )


def dependency(field: str) -> Callable[[Any], dict[str, Any]]:
    """A field of a dependency struct."""
    return lambda value: minimal(dependencies=[changed(_DEPENDENCY, field, value)])


def metric(field: str) -> Callable[[Any], dict[str, Any]]:
    """A field of the metrics."""
    return lambda value: minimal(model_metrics=changed(_METRICS, field, value))


def doc(field: str) -> Callable[[Any], dict[str, Any]]:
    """A field of a doc struct."""
    return lambda value: minimal(model_docs=[changed(_DOC, field, value)])


def config(value: Any) -> dict[str, Any]:
    """The configuration, with the algorithm that a configuration file must have."""
    given = {"model_algorithm": "a", **value} if isinstance(value, dict) else value
    return minimal(initial_config=given)


ROWS = [
    Row(
        2, "model_name", REQUIRED, top("model_name"),
        right=("m", "m" * 64, "手" * 64, "模型-1_a", "A", "手写数字", "a-b_c", "𠮷野"),
        wrong=("", "m" * 65, "手" * 65, "a b", "a.b", "a/b", "a\t", "a\n", "名。", "é", 7, True, [], {}),
        doubtful=("1a", "-a", "_a"),
    ),
    Row(
        2, "model_version", REQUIRED, top("model_version"),
        right=("1.0.0", "0.0.1", "10.20.30", "99.99.99", "1.10.9"),
        wrong=(
            "", "1", "1.0", "1.0.0.0", "01.01.01", "1.01.0", "1.0.00", "100.0.0", "1.0.100", "a.b.c", "1.0.0 ",
            "1,0,0", "v1.0.0", "-1.0.0", "1.0.-1", "1..0", "一.0.0", "１.0.0", 1, 1.5,
        ),
        doubtful=("0.0.0",),
    ),
    Row(
        2, "source_location", REQUIRED, top("source_location"),
        right=("https://models.obs.myhwclouds.com/mnist", "obs://bucket/mnist", "/bucket/mnist", "swr.x.com/o/i:1"),
        wrong=("", "https://", "https://a b", "https://x/\n", 5, []),
        doubtful=("ftp://x/y",),
    ),
    Row(2, "source_job_id", OPTIONAL, top("source_job_id"), right=("55", "", "任务"), wrong=(55, [], {}, True)),
    Row(2, "source_job_version", OPTIONAL, top("source_job_version"), right=("V100", ""), wrong=(1, [])),
    Row(2, "source_type", OPTIONAL, top("source_type"), right=("auto", ""), wrong=("Auto", "manual", 1)),
    Row(
        2, "model_type", REQUIRED, top("model_type"),
        right=("TensorFlow", "MXNet", "Caffe", "Spark_MLlib", "Scikit_Learn", "XGBoost", "Image", "PyTorch"),
        wrong=("", "tensorflow", "TENSORFLOW", "ONNX", "Template", "Custom", "TensorFlow ", 1, []),
        doubtful=("MindSpore",),
    ),
    Row(
        2, "runtime", OPTIONAL, top("runtime"),
        right=("python2.7", "python3.6"),
        wrong=("", "python3.7", "Python3.6", "python2.7 ", 3.6),
    ),
    Row(
        2, "description", OPTIONAL, top("description"),
        right=("", "d" * 100, "手" * 100, "a < b & 'c'", "line\nbreak", "😀" * 100),
        wrong=("d" * 101, "手" * 101, 5, []),
    ),
    Row(
        2, "model_algorithm", OPTIONAL, top("model_algorithm"),
        right=("predict_analysis", "object_detection", "image_classification", "", "算法"),
        wrong=(5, []),
    ),
    Row(
        2, "execution_code", OPTIONAL, top("execution_code"),
        right=("", "https://models.obs.myhwclouds.com/mnist/model/customize_service.py"),
        wrong=("https://x/model/service.py", "https://x/a b/model/customize_service.py", "x/customize_service.pyc", 5),
        doubtful=("https://testmodel.obs.myhwclouds.com/customize_service.py",),
    ),
    Row(2, "input_params", OPTIONAL, top("input_params"), right=([], [_PARAM], [_PARAM] * 2), wrong=({}, "x", [1])),
    Row(2, "output_params", OPTIONAL, top("output_params"), right=([], [_PARAM]), wrong=({}, "x", ["x"])),
    Row(2, "dependencies", OPTIONAL, top("dependencies"), right=([], [_DEPENDENCY]), wrong=({}, "x", [[]])),
    Row(
        2, "model_metrics", OPTIONAL, top("model_metrics"),
        right=(_METRICS, as_text(_METRICS)), wrong=("x", "[]", "5", 5, []),
    ),
    Row(
        2, "apis", OPTIONAL, top("apis"),
        right=('[{"url": "/"}]', "[]"), wrong=("x", "{}", {}, 5), doubtful=([{"url": "/"}],),
    ),
    Row(
        2, "initial_config", OPTIONAL, config,
        right=(
            {"apis": [{"url": "/"}]}, {"dependencies": [_DEPENDENCY]}, {"input_params": [_PARAM]},
            {"output_params": [_PARAM]}, '{"model_algorithm": "a"}',
        ),
        wrong=("x", "[]", "5", 5, []),
        doubtful=({"procotol": "http"}, {"apis": [{"content_type": "x"}]}),
    ),
    Row(2, "workspace_id", OPTIONAL, top("workspace_id"), right=("0", "a1b2"), wrong=(0, [])),
    Row(2, "model_docs", OPTIONAL, top("model_docs"), right=([], [_DOC], [_DOC] * 3), wrong=([_DOC] * 4, {}, "x")),
    Row(3, "url", REQUIRED, param("url"), right=("/", "/v1/xxx/image"), wrong=("", 5, [])),
    Row(3, "method", REQUIRED, param("method"), right=("post", "get", "POST"), wrong=("", "put", "delete", 5)),
    Row(3, "protocol", REQUIRED, param("protocol"), right=("http", "https"), wrong=("", 5, [])),
    Row(
        3, "param_name", REQUIRED, param("param_name"),
        right=("x", "x" * 64, "名" * 64), wrong=("", "x" * 65, 5),
    ),
    Row(
        3, "param_type", REQUIRED, param("param_type"),
        right=("int", "string", "float", "timestamp", "date", "file"),
        wrong=("", "Int", "double", "bool", 5), doubtful=("box",),
    ),
    Row(3, "min", OPTIONAL, param("min"), right=(0, -1, 1.5, 1e9), wrong=("0", True, [], "")),
    Row(3, "max", OPTIONAL, param("max"), right=(9, 0, 0.25), wrong=("9", False, {})),
    Row(
        3, "param_desc", OPTIONAL, param("param_desc"),
        right=("", "d" * 100, "述" * 100, "http://test/test.jpeg"), wrong=("d" * 101, "述" * 101, 5),
    ),
    Row(4, "installer", REQUIRED, dependency("installer"), right=("pip",), wrong=("", "PIP", "conda", "apt-get", 5)),
    Row(
        4, "packages", REQUIRED, dependency("packages"),
        right=([_PACKAGE], [_PACKAGE] * 3, []), wrong=({}, "numpy", ["numpy"]),
    ),
    Row(
        5, "package_name", REQUIRED, package("package_name"),
        right=("numpy", "scikit-learn", "a.b", "A_1"), wrong=("", "包", "𠮷", "豈", "numpy==1.0", *_SPECIAL, 5),
    ),
    Row(
        5, "package_version", OPTIONAL, package("package_version"),
        right=("1.5.0", "2", "1.0rc1"), wrong=("一", "𠮷", ">=1", *_SPECIAL, 5), doubtful=(ABSENT, ""),
    ),
    Row(
        5, "restraint", REQUIRED, package("restraint"),
        right=("EXACT", "ATLEAST", "ATMOST"), wrong=("", "exact", "==", 5),
    ),
    *(
        Row(6, name, OPTIONAL, metric(name), right=(0, 1, 0.52381, 1e-9), wrong=("0.5", "x", True, []), doubtful=(ABSENT,))
        for name in _METRICS
    ),
    Row(
        7, "doc_name", REQUIRED, doc("doc_name"),
        right=("d", "D" * 48, "说明", "说" * 48, "a-b_1", "手1", "𠮷"),
        wrong=("", "d" * 49, "说" * 49, "1d", "-d", "_d", "a b", "a.b", "é", 5),
    ),
    Row(
        7, "doc_url", REQUIRED, doc("doc_url"),
        right=("http://x", "https://x/y?z=1#a", "HTTPS://X"),
        wrong=("", "ftp://x/y", "docs/y.md", "https://", "https://a b", "x", 5),
    ),
]  # fmt: skip

RIGHT = [
    pytest.param(row, v, id=f"table {row.table} {row.field} = {v!a:.40}") for row in ROWS for v in row.right
]
WRONG = [
    pytest.param(row, v, id=f"table {row.table} {row.field} = {v!a:.40}") for row in ROWS for v in row.wrong
]
DOUBTFUL = [
    pytest.param(row, v, id=f"table {row.table} {row.field} = {v!a:.40}")
    for row in ROWS
    for v in row.doubtful
]
NAMES = [pytest.param(row, id=f"table {row.table} {row.field}") for row in ROWS]


def errors(document: dict[str, Any]) -> list[str]:
    """What stops an import."""
    return [problem.message for problem in SEED.parse(document).problems if problem.severity == "error"]


@pytest.mark.parametrize(("row", "value"), RIGHT)
def test_what_a_row_allows_is_accepted_without_a_word(row: Row, value: Any) -> None:
    """By the reader, and by a registry of the same edition."""
    parsed = SEED.parse(row.place(value))
    assert (parsed.problems, parsed.request is not None) == ((), True)
    assert [p for p in SEED.judge(parsed.request) if p.severity == "error"] == []


@pytest.mark.parametrize(("row", "value"), WRONG)
def test_what_a_row_does_not_allow_is_refused_by_the_name_of_its_field(row: Row, value: Any) -> None:
    """By the reader, and by a registry of the same edition."""
    messages = errors(row.place(value))
    assert messages
    assert any(row.field in message for message in messages)


@pytest.mark.parametrize(("row", "value"), DOUBTFUL)
def test_what_the_document_contradicts_itself_about_is_accepted_with_a_warning(row: Row, value: Any) -> None:
    """Its example against its table, or another page against this one."""
    parsed = SEED.parse(row.place(value))
    assert parsed.request is not None
    assert parsed.problems
    assert {problem.severity for problem in parsed.problems} == {"warning"}


@pytest.mark.parametrize("row", NAMES)
def test_a_field_that_a_row_calls_mandatory_is(row: Row) -> None:
    """Left out, and null; any other may be left out, and null stands for that."""
    for value in (ABSENT, None):
        messages = errors(row.place(value))
        assert bool(messages) is row.needed
        assert not messages or any(row.field in message for message in messages)


def test_every_row_of_tables_2_to_7_is_here() -> None:
    """In the document's order; the fields of the types are the same."""
    rows = [(row.table, row.field) for row in ROWS]
    assert [field for table, field in rows if table == 2] == [
        "model_name", "model_version", "source_location", "source_job_id", "source_job_version", "source_type",
        "model_type", "runtime", "description", "model_algorithm", "execution_code", "input_params",
        "output_params", "dependencies", "model_metrics", "apis", "initial_config", "workspace_id", "model_docs",
    ]  # fmt: skip
    assert {field for table, field in rows if table == 2} == set(SEED.fields)
    assert [sum(table == number for table, _ in rows) for number in range(3, 8)] == [8, 2, 3, 4, 2]


def test_restraint_is_needed_exactly_where_a_version_is_given() -> None:
    """Table 5, `restraint`: 当且仅当package_version存在时必填."""
    assert errors(package("restraint")(ABSENT))
    bare = minimal(dependencies=[{"installer": "pip", "packages": [{"package_name": "numpy"}]}])
    assert SEED.parse(bare).problems == ()


def test_limits_belong_to_numbers() -> None:
    """Table 3, `min` and `max`: 当param_type为int或float时可选填; the example has them on a string."""
    for kind, doubtful in (("int", False), ("float", False), ("string", True), ("date", True)):
        document = minimal(input_params=[{**_PARAM, "param_type": kind, "min": 0, "max": 9}])
        parsed = SEED.parse(document)
        assert parsed.request is not None
        assert bool(parsed.problems) is doubtful


def test_the_example_is_imported_as_it_stands(tmp_path: Path) -> None:
    """Section 示例: validated, sent field for field, published, and never drifted."""
    with registered(tmp_path, "seed-2019") as (fleet, _):
        fleet.commit({"models.d/mnist.json": json.dumps(VENDOR_EXAMPLE)})
        assert fleet("validate").code == 0
        assert fleet.json("apply").verdicts == {"mnist@1.0.0": "in-sync"}
        assert fleet.json("plan", "--refresh").verdicts == {"mnist@1.0.0": "in-sync"}
