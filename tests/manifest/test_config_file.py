"""`initial_config_file`: a file of the same commit stands in for `initial_config`."""

from __future__ import annotations

import pytest

from reconciler.contract import edition
from reconciler.manifest import InvalidManifest, Manifest, read
from tests.manifest.examples import MINIMAL, invalid, only_reason, place, results, valid

CONFIG = '{\n  "model_algorithm": "image_classification",\n  "metrics": {"f1": 0.50}\n}\n'
FILES = {
    "models.d/vision/config.json": CONFIG.encode(),
    "models.d/vision/deep/config.json": b'\xef\xbb\xbf{"model_algorithm": "x"}',
    "models.d/config.json": b"{}",
    "models.d/vision/broken.json": b'{"a": 1,\n "b" 2}',
    "models.d/vision/twice.json": b'{"a": 1,\n "a": 2}',
    "models.d/vision/latin.json": b'{"a": "\xe9"}',
    "models.d/vision/empty.json": b"\n",
    "models.d/vision/large.json": b" " * (256 * 1024 + 1),
    "models.d/vision/deepest.json": b"[" * 1000,
    "models.d/vision/other.json": b'{"model_name": "a", "model_version": "1.0.0"}',
    "models.d/vision/merged.json": (
        b'{"model_algorithm": "x",\n<<<<<<< HEAD\n "runtime": "python2.7"\n=======\n'
        b' "runtime": "python3.6"\n>>>>>>> topic\n}\n'
    ),
    "models.d/vision/half.json": b'{"model_algorithm": "x",\n "runtime": "python3.6"\n>>>>>>> topic\n}\n',
    "models.d/vision/wrong.json": (
        b'{"model_algorithm": "x",\n "apis": [{"url": "/",\n  "protocol": "gopher"}],\n "zzz": 1}'
    ),
}


def test_the_file_s_text_is_sent_as_it_stands_where_the_key_stood() -> None:
    """Verbatim, in the order of the manifest; the key itself is not sent."""
    text = MINIMAL.replace("model_type", "initial_config_file: config.json\nmodel_type")
    manifest = valid(text, files=FILES)
    assert manifest.request["initial_config"] == CONFIG
    assert [*manifest.request] == [
        "model_name",
        "model_version",
        "initial_config",
        "model_type",
        "source_location",
    ]


def test_the_file_and_the_same_configuration_inline_are_the_same_import() -> None:
    """Equal meaning, equal digest."""
    inline = f"{MINIMAL}initial_config: {{model_algorithm: image_classification, metrics: {{f1: 0.5}}}}\n"
    assert valid(f"{MINIMAL}initial_config_file: config.json\n", files=FILES).digest == valid(inline).digest


@pytest.mark.parametrize("name", ["config.json", "./config.json", "deep/config.json", "deep//./config.json"])
def test_a_file_beside_or_below_the_manifest_is_found(name: str) -> None:
    """By a path relative to the manifest's folder; a byte order mark is left out."""
    sent = valid(f"{MINIMAL}initial_config_file: {name}\n", files=FILES).request["initial_config"]
    assert sent.startswith("{")


def test_a_manifest_at_the_top_of_the_repository_has_neighbours_too() -> None:
    """There is no folder in its path."""
    text = f"{MINIMAL}initial_config_file: config.json\n"
    assert "initial_config" in valid(text, "mnist.yaml", {"config.json": b'{"model_algorithm": "x"}'}).request


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("missing.json", "file-not-found", "there is no file 'models.d/vision/missing.json' in this commit"),
        ("../config.json", "invalid-value", "below the manifest's folder"),
        ("deep/../config.json", "invalid-value", "without .."),
        ("/etc/passwd", "invalid-value", "below the manifest's folder"),
        ("deep\\config.json", "invalid-value", "with /"),
        ('"deep\\nconfig.json"', "invalid-value", "'deep\\nconfig.json'"),
        ("mnist.yaml", "invalid-value", "is this manifest itself"),
        ("other.json", "invalid-value", "is a manifest itself"),
        ("", "invalid-type", "must be the name of a JSON file"),
        ("~", "invalid-type", "must be the name of a JSON file"),
        ("{a: b}", "invalid-type", "must be the name of a JSON file"),
    ],
)
def test_a_file_that_cannot_be_named_is_an_error_at_the_key_s_value(name: str, code: str, words: str) -> None:
    """And nothing is read outside the manifest's folder."""
    reason = only_reason(f"{MINIMAL}initial_config_file: {name}\n", files=FILES)
    assert (reason.code, reason.line) == (code, 5)
    assert words in reason.message
    assert reason.message.startswith("initial_config_file")
    assert reason.message.isprintable()


@pytest.mark.parametrize(
    ("name", "code", "at", "words"),
    [
        ("broken.json", "syntax", "2:6", "not JSON: Expecting ':' delimiter"),
        ("twice.json", "duplicate-key", "2:2", "'a' is given twice; it is at 1:2 already"),
        ("latin.json", "not-utf-8", "1:8", "the byte 0xe9"),
        ("empty.json", "empty-file", "None:None", "must hold JSON"),
        ("large.json", "file-too-large", "None:None", "262,145 bytes"),
        ("deepest.json", "too-deep", "1:33", "nested deeper"),
        ("merged.json", "merge-conflict", "2:1", "git's conflict markers stand here (<<<<<<<)"),
        ("half.json", "merge-conflict", "3:1", "git's conflict markers stand here (>>>>>>>)"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_at_its_own_place(
    name: str, code: str, at: str, words: str
) -> None:
    """The manifest is invalid; the reason stands where it can be mended, and says who names the file."""
    reason = only_reason(f"{MINIMAL}initial_config_file: {name}\n", files=FILES)
    assert (reason.code, reason.path, place(reason)) == (code, f"models.d/vision/{name}", at)
    assert words in reason.message
    assert reason.message.startswith(f"initial_config_file '{name}': ")
    assert reason.message.isprintable()


def test_only_one_of_file_and_inline_configuration_is_allowed() -> None:
    """Nobody should have to know which would win."""
    text = f"{MINIMAL}initial_config: {{model_algorithm: x}}\ninitial_config_file: config.json\n"
    reason = only_reason(text, files=FILES)
    assert (reason.code, place(reason)) == ("contradiction", "6:22")
    assert "keep one of them" in reason.message


def test_a_problem_inside_the_file_stands_at_its_place_there() -> None:
    """An error and a warning, each once, with path, line and column of the configuration file."""
    result = invalid(f"{MINIMAL}initial_config_file: wrong.json\n", files=FILES)
    assert [(reason.path, place(reason), reason.severity) for reason in result.reasons] == [
        ("models.d/vision/wrong.json", "3:15", "error"),
        ("models.d/vision/wrong.json", "4:2", "warning"),
    ]


def test_the_same_file_serves_several_documents() -> None:
    """Each asks for it on its own."""
    text = f"{MINIMAL}initial_config_file: config.json\n"
    manifests = results(f"{text}---\n{text.replace('1.0.0', '1.0.1')}", files=FILES)
    assert [isinstance(one, Manifest) for one in manifests] == [True, True]


def test_nothing_is_asked_for_that_no_manifest_names() -> None:
    """Least of all a path outside the folder."""
    asked: list[str] = []

    def sibling(path: str) -> None:
        asked.append(path)

    for name in ("../x.json", "/x.json", "a\\x.json", "mnist.yaml", "[x]", "x.json"):
        text = f"{MINIMAL}initial_config_file: {name}\n"
        (result,) = read("m/mnist.yaml", text.encode(), edition("seed-2019"), sibling)
        assert isinstance(result, InvalidManifest)
    assert asked == ["m/x.json"]
