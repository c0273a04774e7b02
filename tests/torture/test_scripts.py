"""Scripts of faults as files, and what is said of those that cannot be understood."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from reconciler.embedded import load_faults
from reconciler.errors import ConfigurationError
from tests.torture.lives import executed

if TYPE_CHECKING:
    from pathlib import Path


def test_a_script_is_read_from_a_file(tmp_path: Path) -> None:
    """As the option `--faults` does."""
    file = tmp_path / "faults.toml"
    file.write_text(
        'seed = 7\nvisible_after = 1.5\n[[rules]]\nmethod = "POST"\naction = "drop"\nmoment = "before"\n'
    )
    faults = load_faults(file)
    assert (faults.seed, faults.visible_after, faults.rules[0].action) == (7, 1.5, "drop")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "nothing goes wrong here"),
        ("seed = [", "not valid TOML"),
        ("surprise = 1", "surprise: Extra inputs are not permitted"),
        ('[[rules]]\naction = "explode"', "rules[1]: "),
        ('[[rules]]\naction = "reply"', "rules[1].reply.status: Field required"),
        ('[[rules]]\naction = "drop"\nprobability = 2', "rules[1].drop.probability: "),
        ("visible_after = -1", "visible_after: "),
    ],
)
def test_a_script_that_cannot_be_understood_is_refused_with_file_and_key(
    tmp_path: Path, text: str, message: str
) -> None:
    """Every mistake at once."""
    file = tmp_path / "faults.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load_faults(file)
    assert re.match(rf"{file}:(\d+:)* ", str(caught.value))
    assert message in str(caught.value)


def test_a_script_that_is_not_there_is_told(tmp_path: Path) -> None:
    """With the system's reason."""
    with pytest.raises(ConfigurationError, match=r"absent\.toml: cannot be read"):
        load_faults(tmp_path / "absent.toml")


def test_the_program_refuses_to_serve_by_a_script_it_does_not_understand(tmp_path: Path) -> None:
    """`registry serve --faults FILE`: one line, exit code 2, and nothing is served."""
    (tmp_path / "faults.toml").write_text('[[rules]]\naction = "drop"\nmoments = "after"\n')
    life = executed(tmp_path, ["registry", "serve", "--port", "0", "--faults", "faults.toml"])
    assert life.wait(60) == 2
    message = (tmp_path / "program.err").read_text()
    assert message == "error: faults.toml:3: rules[1].drop.moments: Extra inputs are not permitted\n"
