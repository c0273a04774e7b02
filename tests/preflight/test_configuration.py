"""`config.json`, and `initial_config` in its place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.preflight.content import file_problems
from tests.preflight.samples import CONFIG, codes, examined, manifest, package, write

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.manifest import Manifest, Reason

SWR = "swr.cn-north-4.myhuaweicloud.com/org/digits:1.0"


def judged(
    root: Path, config: object, sample: Manifest | None = None, name: str = "seed-2019"
) -> list[Reason]:
    """The reasons for a package with this configuration file."""
    content = config if isinstance(config, str | bytes) else json.dumps(config)
    sample = sample or manifest()
    engine = sample.request["model_type"]
    if engine in ("Image", "Custom"):
        write(root / "digits/model/config.json", content)
    else:
        package(root / "digits", engine, model__config_DOT_json=content)
    return examined(sample, root, name)


def test_a_configuration_as_specified_is_well(tmp_path: Path) -> None:
    """With APIs, metrics and dependencies."""
    dependency = {"installer": "pip", "packages": [{"package_name": "numpy"}]}
    config = {**CONFIG, "metrics": {"f1": 0.5}, "dependencies": [dependency], "runtime": "python3.6"}
    assert judged(tmp_path, config) == []


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"model_type": "PyTorch"}, "contradiction", "model_type 'PyTorch': differs"),
        ({"runtime": "python2.7"}, "contradiction", "runtime 'python2.7': differs"),
        ({"model_type": "tensorflow"}, "not-in-enumeration", "did you mean 'TensorFlow'?"),
        ({"model_algorithm": None}, "missing-field", "model_algorithm: is required"),
        ({"model_algorithm": "9"}, "invalid-value", "must start with a letter"),
        ({"swr_location": SWR}, "content-rule", "only model_type Image may have it"),
        ({"procotol": "http"}, "unknown-field", "did you mean 'protocol'?"),
        ({"apis": [*CONFIG["apis"], *CONFIG["apis"]]}, "tolerated", "exactly one API"),
        ({"apis": [{"url": "/x"}]}, "tolerated", "has the url '/'"),
        ({"apis": [{"url": "/", "protocol": "ftp"}]}, "not-in-enumeration", "http"),
        ({"dependencies": [{"installer": "conda", "packages": []}]}, "not-in-enumeration", "pip"),
    ],
)  # fmt: skip
def test_each_rule_of_the_configuration_is_held(
    change: dict[str, Any], code: str, words: str, tmp_path: Path
) -> None:
    """Form, and agreement with the manifest; the file is named in front."""
    reasons = judged(tmp_path, {**CONFIG, **change})
    assert f"preflight-{code}" in [reason.code for reason in reasons]
    (reason,) = [reason for reason in reasons if reason.code == f"preflight-{code}"]
    assert reason.message.startswith("model/config.json: ")
    assert words in reason.message
    assert "initial_config" not in reason.message


def test_an_algorithm_other_than_the_manifests_is_a_contradiction(tmp_path: Path) -> None:
    """No document says which one holds."""
    reasons = judged(tmp_path, CONFIG, manifest(model_algorithm="object_detection"))
    assert codes(reasons) == ["contradiction"]


@pytest.mark.parametrize(("version", "well"), [("1.0", True), ("1.1", False)])
def test_dependencies_in_both_places_must_mean_the_same(version: str, well: bool, tmp_path: Path) -> None:
    """Empty members mean that they are absent."""
    ours = [
        {
            "installer": "pip",
            "packages": [{"package_name": "a", "package_version": "1.0", "restraint": "EXACT"}],
        }
    ]
    theirs = [
        {
            "installer": "pip",
            "packages": [{"package_name": "a", "package_version": version, "restraint": "EXACT"}],
        }
    ]
    reasons = judged(tmp_path, {**CONFIG, "dependencies": theirs}, manifest(dependencies=ours))
    assert codes(reasons) == ([] if well else ["contradiction"])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is not valid JSON: Expecting property name enclosed in double quotes at line 1, column 2"),
        ("[]", "must be a mapping"),
        ('{"a": 1, "a": 2}', "occurs twice"),
        ("{}".encode("utf-16"), "not UTF-8 text, from byte 0"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        ("[" * 100_000, "nested deeper"),
        ("", "is not valid JSON"),
        ('{"\\u001b[31m": 1}', "'\\x1b[31m'"),
    ],
)
def test_a_file_that_is_no_configuration_is_told(content: str | bytes, words: str, tmp_path: Path) -> None:
    """Where it stops being one; nothing of it reaches a terminal raw."""
    reasons = judged(tmp_path, content)
    assert any(words in reason.message for reason in reasons)
    assert all(reason.message.isprintable() for reason in reasons)


def test_a_file_too_large_for_a_configuration_is_not_read(tmp_path: Path) -> None:
    """Its size is told."""
    (reason,) = judged(tmp_path, " " * 300_000)
    assert (reason.code, "300,000 bytes" in reason.message) == ("preflight-too-large", True)


@pytest.mark.parametrize("engine", ["Scikit_Learn", "XGBoost", "Spark_MLlib"])
def test_machine_learning_engines_speak_json_only(engine: str, tmp_path: Path) -> None:
    """Images speak forms too."""
    reasons = judged(tmp_path, {**CONFIG, "model_type": engine}, manifest(model_type=engine))
    (reason,) = reasons
    assert "apis[0].request.Content-type: 'multipart/form-data' must be" in reason.message


def test_an_image_from_a_bucket_needs_the_address_of_its_image(tmp_path: Path) -> None:
    """And nothing else in `model/`."""
    sample = manifest(model_type="Image", runtime=...)
    config = {"model_algorithm": "a", "model_type": "Image"}
    assert judged(tmp_path, {**config, "swr_location": SWR}, sample) == []
    (reason,) = judged(tmp_path, config, sample)
    assert (
        reason.message == "model/config.json: swr_location: is required for an Image that comes from a bucket"
    )
    (reason,) = judged(tmp_path, {**config, "swr_location": "digits"}, sample)
    assert reason.code == "preflight-image-address"


def test_an_image_must_not_install_packages(tmp_path: Path) -> None:
    """It has them inside."""
    dependency = {"installer": "pip", "packages": [{"package_name": "numpy"}]}
    config = {
        "model_algorithm": "a",
        "model_type": "Image",
        "swr_location": SWR,
        "dependencies": [dependency],
    }
    assert codes(judged(tmp_path, config, manifest(model_type="Image", runtime=...))) == ["content-rule"]


def test_the_manifests_own_configuration_is_examined_too(tmp_path: Path) -> None:
    """What the edition's rules leave open: the image of an Image, and the health check of a Custom model."""
    (tmp_path / "digits/model").mkdir(parents=True)
    write(tmp_path / "digits/model/x", "x")
    image = manifest(
        model_type="Image", runtime=..., initial_config={"model_algorithm": "a", "model_type": "Image"}
    )
    (reason,) = examined(image, tmp_path)
    assert reason.message.startswith("initial_config.swr_location: is required")
    custom = manifest(
        "current",
        model_type="Custom",
        runtime=SWR,
        initial_config={"model_algorithm": "a", "health": {"url": "/up", "protocol": "http"}},
    )
    (reason,) = examined(custom, tmp_path, "current")
    assert reason.message == "initial_config.health.url: '/up' must be '/health' for a Custom model"


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ["model_algorithm", "model_type", "runtime", "swr_location", "apis", "dependencies", "health", "metrics"]
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.one_of(
        st.binary(max_size=50),
        st.dictionaries(FIELDS, JSON).map(lambda value: json.dumps(value).encode()),
        st.just({"apis": [{"request": {"content-type": []}}], "health": {"url": 1}}).map(
            lambda value: json.dumps(value).encode()
        ),
    ),
    st.sampled_from(["TensorFlow", "XGBoost", "Image"]),
)
def test_any_content_is_judged_and_never_breaks_anything(data: bytes, engine: str) -> None:
    """Whatever lies in the bucket."""
    request = manifest(model_type=engine, runtime=...).request
    for problem in file_problems(data, request, "seed-2019"):
        assert problem.code.startswith("preflight-")
        assert problem.message.startswith("model/config.json: ")
