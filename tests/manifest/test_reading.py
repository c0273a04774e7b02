"""What a good manifest file gives."""

from __future__ import annotations

import json

import pytest

from reconciler.contract import digest
from reconciler.manifest import InvalidManifest, Manifest
from tests.manifest.examples import DESIGNED, MINIMAL, PATH, invalid, results, valid


def test_the_designed_example_becomes_the_request_it_spells_out() -> None:
    """Field names and order are the manifest's, JSON texts are closed, local fields are left out."""
    manifest = valid(DESIGNED)

    assert manifest.pair == ("mnist", "1.0.0")
    assert [*manifest.request] == [
        "model_name",
        "model_version",
        "model_type",
        "runtime",
        "source_location",
        "model_metrics",
        "dependencies",
    ]
    assert json.loads(manifest.request["model_metrics"])["f1"] == 0.52381
    assert manifest.request["dependencies"][0]["packages"][0]["package_version"] == "1.10"
    assert (manifest.path, manifest.line, manifest.digest) == (PATH, 1, digest(manifest.request))


VENDORS = """{
    "model_name": "mnist",
    "model_version": "1.0.0",
    "source_location": "https://models.obs.myhwclouds.com/mnist",
    "source_job_id": "55",
    "source_job_version": "V100",
    "model_type": "TensorFlow",
    "runtime": "python2.7",
    "description": "mnist model",
    "execution_code": "https://testmodel.obs.myhwclouds.com/customize_service.py",
    "input_params": [
    {
      "url": "/v1/xxx/image",
      "protocol": "http",
      "method": "post",
      "param_name": "image_url",
      "param_type": "string",
      "min": 0,
      "max": 9,
      "param_desc": "http://test/test.jpeg"
    }
    ],
    "output_params": [
    {
      "url": "/v1/xxx/image",
      "protocol": "http",
      "method": "post",
      "param_name": "face_location",
      "param_type": "box",
      "param_desc": "face_location param value description"
    }
    ],
    "dependencies": [
    {
      "installer": "pip",
      "packages": [
        {
          "package_name": "numpy",
          "package_version": "1.5.0",
          "restraint": "ATLEAST"
        }
      ]
    }
    ],
    "model_algorithm": "object_detection",
    "model_metrics":"{\\"f1\\":0.52381,\\"recall\\":0.666667,\\"precision\\":0.466667,\\"accuracy\\":0.625}",
    "apis": [
    {
      "url": "/v1/xxx/image",
      "protocol": "http",
      "method": "post",
      "input_params": {"type": "object", "properties": {"image_url": {"type": "string"}}},
      "output_params": {"type": "object", "properties": {"face_location": {"type": "box"}}}
    }
    ]
}
"""
"""The request of the vendor's import page."""


@pytest.mark.parametrize("path", ["models.d/mnist.json", "models.d/mnist.yaml"])
def test_the_vendor_s_own_example_is_accepted_and_sent_field_for_field(path: str) -> None:
    """Where it contradicts the vendor's tables there is a warning at the very place."""
    manifest = valid(VENDORS, path)

    assert manifest.request == json.loads(VENDORS)
    assert [*manifest.request] == [*json.loads(VENDORS)]
    assert {warning.severity for warning in manifest.warnings} == {"warning"}
    (box,) = (
        warning
        for warning in manifest.warnings
        if "param_type" in warning.message and "box" in warning.message
    )
    assert (box.line, box.column) == (29, 21)


def test_metadata_stays_here_and_does_not_change_the_digest() -> None:
    """Two manifests that differ in metadata only are the same import."""
    bare, owned = valid(MINIMAL), valid(f"{MINIMAL}metadata: {{owner: a, n: 1.10, on: yes, x: ~, l: [true]}}")

    assert "metadata" not in owned.request
    assert owned.digest == bare.digest
    assert owned.metadata == {"owner": "a", "n": "1.10", "on": "yes", "x": None, "l": [True]}
    assert {type(value) for value in owned.metadata.values()} == {str, type(None), list}


def test_metadata_without_content_is_no_metadata() -> None:
    """A `metadata:` whose lines are all commented out is not an error."""
    assert valid(f"{MINIMAL}metadata:\n#  owner: x\n").metadata == {}


def test_every_document_of_a_file_is_a_result_of_its_own() -> None:
    """One bad document leaves its neighbours valid, and each knows its first line."""
    text = (
        f"---\n{MINIMAL}---\n---\nmodel_name: broken\n---\n# next\n{MINIMAL.replace('1.0.0', '1.0.1')}...\n"
    )

    first, second, third = results(text)

    assert isinstance(first, Manifest)
    assert isinstance(third, Manifest)
    assert isinstance(second, InvalidManifest)
    assert [first.line, second.line, third.line] == [2, 8, 11]
    assert (second.model_name, second.model_version) == ("broken", None)


@pytest.mark.parametrize("text", ["", "\n", "# nothing yet\n", "---\n", "---\n---\n# x\n", "\ufeff", "~"])
@pytest.mark.parametrize("path", ["models.d/a.yaml", "models.d/a.yml"])
def test_a_file_that_declares_nothing_says_so(text: str, path: str) -> None:
    """It is one invalid result about the whole file, not silence."""
    result = invalid(text, path)

    assert result.line == 1
    assert [(reason.code, reason.path, reason.line) for reason in result.reasons] == [
        ("empty-file", path, None)
    ]


@pytest.mark.parametrize("text", ["", " \n", "null"])
def test_a_json_file_that_declares_nothing_says_so(text: str) -> None:
    """As for YAML."""
    assert invalid(text, "models.d/a.json").reasons[0].code == "empty-file"


@pytest.mark.parametrize(
    "word",
    ["1.10", "1e3", "0x10", "0o7", "yes", "No", "on", "2020-01-01", "1_000", "12:30:45", ".inf", "NaN"],
)
def test_an_unquoted_scalar_stays_the_text_it_is(word: str) -> None:
    """No type is guessed: what was written is what is sent."""
    assert valid(f"{MINIMAL}model_algorithm: {word}\n").request["model_algorithm"] == word


@pytest.mark.parametrize("word", ["", "~", "null", "Null", "NULL"])
def test_null_means_absent(word: str) -> None:
    """The words for null, and nothing at all."""
    assert "runtime" not in valid(f"{MINIMAL}runtime: {word}\n").request


@pytest.mark.parametrize("word", ["true", "False", "TRUE"])
def test_true_and_false_are_words(word: str) -> None:
    """The only ones beside null."""
    assert valid(f"{MINIMAL}metadata: {{a: {word}}}").metadata == {"a": word.lower() == "true"}


@pytest.mark.parametrize("quoted", ['"true"', "'null'", '""', "'~'", "|-\n    true\n"])
def test_a_quoted_word_is_text(quoted: str) -> None:
    """Quotes and block scalars make text of anything."""
    (value,) = valid(f"{MINIMAL}metadata:\n  a: {quoted}\n").metadata.values()
    assert isinstance(value, str)


def test_a_byte_order_mark_and_windows_line_ends_are_tolerated() -> None:
    """What some editors write reads the same, with the same places."""
    text = "\ufeff" + f"{MINIMAL}runtime: python9\n".replace("\n", "\r\n")
    (reason,) = invalid(text).reasons
    assert (reason.line, reason.column, reason.excerpt) == (5, 10, "runtime: python9")


def test_chinese_names_and_emoji_are_read_and_counted_as_characters() -> None:
    """Columns are characters, not bytes."""
    assert valid(MINIMAL.replace("mnist\n", "手写数字\n", 1)).pair.model_name == "手写数字"
    (reason,) = invalid(f"{MINIMAL}metadata: {{甲乙: 😀, x}}\n丙: 1\n").reasons
    assert (reason.code, reason.line, reason.column) == ("unknown-field", 6, 1)


def test_json_reads_like_yaml_of_the_same_content() -> None:
    """Same request, same digest; tabs may indent, pairs of surrogates are one character."""
    text = """{
\t"model_name": "mnist", "model_version": "1.0.0",
\t"model_type": "TensorFlow", "description": "\\ud83d\\ude00\\/",
\t"source_location": "https://models.obs.myhwclouds.com/mnist"
}"""
    assert valid(text, "models.d/a.JSON").digest == valid(f"{MINIMAL}description: 😀/").digest


def test_a_number_in_json_keeps_its_digits_where_text_is_wanted() -> None:
    """`1.10` as a package's version is 1.10, in JSON as in YAML."""
    body = {
        "model_name": "m",
        "model_version": "1.0.0",
        "model_type": "MXNet",
        "source_location": "https://x/y",
    }
    text = json.dumps(body | {"dependencies": [{"installer": "pip", "packages": ["@"]}]})
    package = '{"package_name": "a", "package_version": 1.10, "restraint": "EXACT"}'
    manifest = valid(text.replace('"@"', package), "a.json")
    assert manifest.request["dependencies"][0]["packages"][0]["package_version"] == "1.10"


def test_a_json_key_may_be_longer_than_yaml_allows() -> None:
    """JSON has no limit of 1,024 characters, and U+2028 may stand in its strings."""
    body = json.loads(json.dumps({"metadata": {"k" * 5000: "a\u2028b"}}))
    text = json.dumps(
        {"model_name": "m", "model_version": "1.0.0", "model_type": "MXNet", "source_location": "https://x/y"}
        | body,
        ensure_ascii=False,
    )
    assert valid(text, "a.json").metadata == body["metadata"]
