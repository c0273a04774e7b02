"""`docs/day-one.md` is one terminal log: run against four registries filled by hand, and a host."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.docs.test_documents import FENCE, ROOT, commands_of, prints
from tests.forge.stub import Stub, hosting
from tests.git_repository import GitRepository
from tests.program import FOLLOW, Done, Program
from tests.relay import relayed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.relay import Relay

pytestmark = pytest.mark.long

EDITIONS = {"lab": "seed-2019", "china": "cn-2021", "europe": "otc-2024", "prod": "current"}
COUNTS = {"lab": 14, "china": 12, "europe": 12, "prod": 12}
_HEX = re.compile(r"\b[0-9a-f]{12,64}\b")
_METRICS = '{"f1": 0.912, "recall": 0.887, "precision": 0.939, "accuracy": 0.951}'
_PACKAGES = [{"package_name": "torchvision", "package_version": "0.4.2", "restraint": "EXACT"}]


@dataclass
class _Log:
    """The terminal, and what is behind it."""

    repository: GitRepository
    program: Program
    registries: Mapping[str, Relay]
    host: Stub

    def reads(self, language: str, mark: str, text: str) -> None:
        """One fenced block of the page: a file to write, commands to run, or something to see."""
        first, _, rest = text.partition("\n")
        path = first.removeprefix("# ")
        if language == "console":
            for line, expected, code in commands_of(text):
                prints(line, expected, code, self._run)
        elif language == "markdown":
            assert [_HEX.sub("…", note.body) for note in self.host.own] == [text]
        elif mark == "adopted":
            assert (self.repository.path / path).read_text("utf-8") == rest
        elif language == "toml":
            self.repository.write({path: self._connected(text)})
        else:
            self.repository.write({path: text})

    def _connected(self, text: str) -> str:
        """The configuration with the addresses of the registries that are there; nothing is waited for."""
        for name, relay in self.registries.items():
            text = text.replace(f"https://{name}.example.org", relay.url)
        return text + FOLLOW

    def _run(self, words: list[str]) -> Done:
        if words[0] == "reconciler":
            return self.program(*words[1:])
        if words[0] == "git":
            return Done(0, self.repository.git(*words[1:]), "")
        environment = self.program._variables({"PRE_COMMIT_HOME": str(self.repository.path.parent / "cache")})
        environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
        command = [sys.executable, "-m", "pre_commit", *words[1:], "--color", "never"]
        done = subprocess.run(
            command, cwd=self.program.folder, env=environment, capture_output=True, text=True, check=False
        )
        return Done(done.returncode, done.stdout, done.stderr)


def test_day_one_is_as_its_page_shows_it(tmp_path: Path) -> None:
    """50 models are adopted and none is sent; the comment comes, is edited, and says what happens."""
    repository = GitRepository(tmp_path / "models")
    page = (ROOT / "docs" / "day-one.md").read_text("utf-8")
    with ExitStack() as stack:
        registries = {name: stack.enter_context(relayed(edition=rules)) for name, rules in EDITIONS.items()}
        host = stack.enter_context(hosting("github"))
        for name, relay in registries.items():
            for number in range(COUNTS[name]):
                relay.add(_by_hand(name, number), name)
        program = Program(repository.path, {**host.variables, "MODELARTS_TOKEN": "t"})
        log = _Log(repository, program, registries, host)
        for block in FENCE.finditer(page):
            log.reads(block[1], (block[2] or "").strip(), block[3])
        assert {name: relay.posts for name, relay in registries.items()} == {
            "lab": 2,
            "china": 0,
            "europe": 0,
            "prod": 0,
        }


def _by_hand(target: str, number: int) -> dict[str, Any]:
    """One of the models that a team has imported over the years: no two projects are alike."""
    name = ("weld-defects", "keywords", "Churn_Risk")[number % 3]
    request: dict[str, Any] = {
        "model_name": f"{name}-{number // 3:02}",
        "model_version": f"1.0.{number + 1}",
        "model_type": ("PyTorch", "TensorFlow", "XGBoost")[number % 3],
        "source_location": f"https://models.obs.cn-north-4.myhuaweicloud.com/{target}/{number}",
    }
    if number % 2 == 0:
        request["description"] = f"Model {number} of {target}: plant 2, yes"
        request["model_metrics"] = _METRICS
    if number % 4 == 0:
        request["dependencies"] = [{"installer": "pip", "packages": _PACKAGES}]
    return request
