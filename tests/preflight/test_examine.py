"""The whole look at one manifest."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from reconciler.preflight import Examination
from tests.preflight.samples import PATH, codes, examined, manifest, package

if TYPE_CHECKING:
    from pathlib import Path

OBS = "https://models.obs.cn-north-4.myhuaweicloud.com"
SWR = "swr.cn-north-4.myhuaweicloud.com/org/digits:1.0"


def test_reasons_bear_the_manifests_place_and_are_warnings_unless_errors_are_wanted(tmp_path: Path) -> None:
    """The service is less strict than this."""
    package(tmp_path / "digits", model__saved_model_DOT_pb=None)
    for strict, severity in ((False, "warning"), (True, "error")):
        (reason,) = examined(manifest(), tmp_path, strict=strict)
        assert (reason.path, reason.line, reason.severity) == (PATH, 1, severity)


def test_what_could_not_be_looked_at_stays_a_warning() -> None:
    """Nothing is known to be wrong."""
    (reason,) = Examination("seed-2019", strict=True).examine(manifest(source_location="./digits"))
    assert (reason.code, reason.severity) == ("preflight-not-examined", "warning")


def test_a_local_source_is_examined_where_it_is_allowed(tmp_path: Path) -> None:
    """By a path or a file:// address."""
    root = package(tmp_path / "my digits", model__saved_model_DOT_pb=None)
    look = Examination("seed-2019", local=tmp_path)
    reasons = look.examine(manifest(source_location=f"file://{root}".replace(" ", "%20")))
    assert codes(list(reasons)) == ["blank-in-path", "engine-file-missing"]


def test_an_image_has_no_files_and_only_its_address_is_checked() -> None:
    """Its form; whether it exists, the service knows."""
    look = Examination("seed-2019")
    assert look.examine(manifest(model_type="Image", runtime=..., source_location=SWR)) == ()
    (reason,) = look.examine(manifest(model_type="Image", runtime=..., source_location="digits"))
    assert reason.code == "preflight-image-address"
    (reason,) = look.examine(manifest(source_location=SWR))
    assert reason.message.endswith("which a model of type TensorFlow needs")


def test_a_template_needs_no_source() -> None:
    """Its inputs are the template's business."""
    template = {
        "template_id": "t",
        "template_inputs": [{"input": "/models/digits/", "input_id": "model_folder"}],
    }
    sample = manifest("current", model_type="Template", template=template, source_location=..., runtime=...)
    assert Examination("current").examine(sample) == ()


def test_the_runtime_of_a_custom_model_is_an_image() -> None:
    """As the console sends it."""
    sample = manifest("current", model_type="Custom", runtime="python3.6")
    assert codes(list(Examination("current").judge(sample, None))) == ["image-address"]


@pytest.mark.parametrize(
    ("code", "well"),
    [
        (f"{OBS}/digits/model/customize_service.py", True),
        ("obs://models/digits/model/customize_service.py", True),
        ("https://obs.cn-north-4.myhuaweicloud.com/models/digits/model/customize_service.py", True),
        (f"{OBS}/digits/customize_service.py", False),
        (f"{OBS}/other/model/customize_service.py", False),
        (f"{OBS.replace('models', 'others')}/digits/model/customize_service.py", False),
        ("./model/customize_service.py", False),
    ],
)
def test_service_code_lies_in_the_source_itself(code: str, well: bool) -> None:
    """However the two addresses are written."""
    sample = manifest(source_location=f"{OBS}/digits/", execution_code=code)
    assert codes(list(Examination("seed-2019").judge(sample, None))) == ([] if well else ["execution-code"])


def test_looking_at_local_files_loads_no_client_of_an_object_store() -> None:
    """The client is an extra, and slow to load."""
    program = "import sys, reconciler.preflight; sys.exit('minio' in sys.modules or 'urllib3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_without_the_extra_a_bucket_is_a_matter_of_configuration() -> None:
    """The message says how to install it."""
    program = (
        "import sys; sys.modules['minio'] = None\n"
        "from reconciler.preflight.opening import open_files\n"
        "from reconciler.errors import ConfigurationError\n"
        f"try: open_files({OBS!r})\n"
        "except ConfigurationError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert "pip install 'model-reconciler[obs]'" in done.stdout
