"""`customize_service.py`."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.preflight.content import code_problems
from tests.preflight.samples import BASES, CODE, codes, examined, manifest, package, service

if TYPE_CHECKING:
    from pathlib import Path


def faults(code: str | bytes, engine: str = "TensorFlow", *, python2: bool = False) -> list[str]:
    """What is said about a service's code."""
    data = code if isinstance(code, bytes) else dedent(code).encode()
    problems = list(code_problems(data, engine, python2=python2))
    assert all(problem.message.startswith("model/customize_service.py: ") for problem in problems)
    return [problem.message.removeprefix("model/customize_service.py: ") for problem in problems]


@pytest.mark.parametrize("engine", BASES)
def test_a_service_of_each_engine_is_well(engine: str) -> None:
    """The least one, and the engine's base class under another name."""
    assert faults(service(engine), engine) == []
    assert faults(f"from m import {BASES[engine]} as Base\nclass S(Base): pass\n", engine) == []


def test_a_service_as_in_the_vendors_guide_is_well() -> None:
    """With its own methods, a network beside it, a helper of its own and a class in between."""
    assert faults(CODE) == []
    code = """
        import torch.nn as nn
        try:
            from model_service.pytorch_model_service import PTServingBaseService
        except ImportError:
            raise

        class Net(nn.Module):
            def forward(self, x): return x

        class Base(PTServingBaseService):
            def _inference(self, data): return data

        if True:
            class Service(Base):
                def __init__(self, model_name, model_path, *rest): pass
                def load(self, path): pass
                @staticmethod
                def _preprocess(): pass
                def _postprocess(self, data, verbose=False): return data
    """
    assert faults(code, "PyTorch") == []


@pytest.mark.parametrize("engine", ["Scikit_Learn", "XGBoost", "Spark_MLlib"])
def test_some_engines_give_their_service_the_path_alone(engine: str) -> None:
    """And the others name and path."""
    one = f"class S({BASES[engine]}):\n    def __init__(self, model_path): pass\n"
    two = f"class S({BASES[engine]}):\n    def __init__(self, model_name, model_path): pass\n"
    assert faults(one, engine) == []
    assert faults(two, engine) == ["line 2: __init__ must take (self, model_path)"]
    assert faults(CODE.replace("model_name, model_path", "model_path")) == [
        "line 6: __init__ must take (self, model_name, model_path)"
    ]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("x = 1", "has no class that derives from TfServingBaseService"),
        ("class S: pass", "has no class"),
        ("class S(PTServingBaseService): pass", "derives from PTServingBaseService, and TensorFlow has Tf"),
        (
            "class A(TfServingBaseService): pass\nclass B(TfServingBaseService): pass",
            "2 service classes, A and B",
        ),
        ("def f(:\n", "cannot be parsed at line 1"),
        ("class S(TfServingBaseService):\n  def preprocess(self, data): pass", "did you mean _preprocess?"),
        (
            "class S(TfServingBaseService):\n  def _post_process(self, data): pass",
            "did you mean _postprocess?",
        ),
        ("class S(TfServingBaseService):\n  def _inferense(self, data): pass", "did you mean _inference?"),
        ("class S(TfServingBaseService):\n  def _preprocess(self): pass", "must take (self, data)"),
        (
            "class S(TfServingBaseService):\n  def _preprocess(self, data, *, x): pass",
            "must take (self, data)",
        ),
        ("class S(TfServingBaseService):\n  async def _inference(self, data): pass", "coroutine"),
        ("a\0b", "null byte"),
        ("-" * 200_000 + "1", "nested too deeply"),
        ("a" + ".b" * 100_000, "nested too deeply"),
        ("(" * 1000, "cannot be parsed"),
        (b"# coding: nothing-known\n", "cannot be parsed"),
        (b"x = '\xff'", "cannot be parsed"),
    ],
)
def test_each_rule_of_a_service_is_held(code: str | bytes, words: str) -> None:
    """One complaint, which says what and where."""
    (fault,) = faults(code)
    assert words in fault
    assert fault.isprintable()


def test_code_is_parsed_and_never_run(tmp_path: Path) -> None:
    """A model's code comes from whoever may write to the bucket."""
    trap = tmp_path / "sprung"
    package(
        tmp_path / "digits",
        model__customize_service_DOT_py=f"open({str(trap)!r}, 'w')\n{service('TensorFlow')}",
    )
    assert examined(manifest(), tmp_path) == []
    assert not trap.exists()


def test_doubtful_escapes_are_no_ones_business() -> None:
    """The parser's warnings neither fail nor reach the output."""
    assert faults("x = '\\d'\nclass S(TfServingBaseService): pass") == []


@pytest.mark.parametrize("runtime", ["python2.7", "tf1.13-python2.7-cpu", ...])
def test_the_syntax_of_python_2_is_not_judged(runtime: object, tmp_path: Path) -> None:
    """It is said that it was not, and that is no error even where warnings are."""
    package(tmp_path / "digits", model__customize_service_DOT_py="print 'x'\n")
    name = "cn-2021" if runtime == "tf1.13-python2.7-cpu" else "seed-2019"
    (reason,) = examined(manifest(name, runtime=runtime), tmp_path, name, strict=True)
    assert (reason.code, reason.severity) == ("preflight-not-examined", "warning")


def test_the_runtime_may_stand_in_the_configuration(tmp_path: Path) -> None:
    """Where the manifest names none, the file does, and then the edition's default."""
    config = '{"model_algorithm": "a", "model_type": "TensorFlow", "runtime": "python3.6"}'
    package(tmp_path / "digits", model__customize_service_DOT_py="print 'x'\n", model__config_DOT_json=config)
    assert codes(examined(manifest(runtime=...), tmp_path)) == ["code-syntax"]


@given(
    st.binary(max_size=200) | st.text(max_size=200).map(str.encode), st.sampled_from([*BASES]), st.booleans()
)
def test_any_content_is_judged_and_never_breaks_anything(data: bytes, engine: str, python2: bool) -> None:
    """Whatever lies in the bucket."""
    for message in faults(data, engine, python2=python2):
        assert message.isprintable()
