"""Runs the real program: in this process where that is enough, as one of its own where signals matter."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest import mock

from reconciler.cli import main
from tests.forked import Process
from tests.git_repository import GitRepository, git_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FOLLOW = """
[follow]
first = "10ms"
settle = "50ms"
"""
EMBEDDED = f"""
[targets.local]
kind = "embedded"
publish_seconds = 0
{FOLLOW}"""
"""A configuration whose imports are published at once."""

_NOT_OURS = (
    *("reconciler_", "no_color", "force_color", "term", "columns", "typer_", "http", "all_proxy"),
    "pythonunbuffered",
)
"""How variables begin, in small letters."""


@dataclass(frozen=True)
class Done:
    """What a run of the program left: its exit code and both streams."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as one JSON value: nothing else may be on it."""
        return json.loads(self.out)

    @property
    def items(self) -> dict[str, Any]:
        """The items of a report by `name@version`, or by path where the name is not known."""
        return {
            f"{item['model_name']}@{item['model_version']}" if item["model_name"] else item["path"]: item
            for item in self.json["items"]
        }

    @property
    def verdicts(self) -> dict[str, str]:
        """The verdicts of a report by `name@version`, or by path where the name is not known."""
        return {title: item["verdict"] for title, item in self.items.items()}


@dataclass
class Program:
    """The program, run in `folder` with a clean environment.

    Attributes:
        environment: variables for every run, such as `RECONCILER_LOG__LEVEL`.
        starting: starts a process of its own; `subprocess.Popen` where what its imports do counts.
    """

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    starting: type[subprocess.Popen[Any]] = Process

    def __call__(self, *arguments: str, **environment: str) -> Done:
        """Runs a command in this process; no command may end in anything but an exit code."""
        done = self.here(*arguments, **environment)
        said = done.out + done.err
        assert "Traceback" not in said, said
        return done

    def here(self, *arguments: str, **environment: str) -> Done:
        """Runs a command in this process, whatever it ends in."""
        out, err = _stream(), _stream()
        with (
            contextlib.chdir(self.folder),
            _variables_are(self._variables(environment)),
            mock.patch.object(sys, "argv", ["reconciler", *arguments]),
            mock.patch.object(sys, "stdin", io.StringIO()),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            _log_of_its_own(),
        ):
            code = _exit_code()
        return Done(code, _text(out), _text(err))

    def json(self, *arguments: str, **environment: str) -> Done:
        """Runs a command with `--output json`."""
        return self(*arguments, "--output", "json", **environment)

    def files(self) -> dict[str, int]:
        """Every file below the folder with its time of change, git's own aside."""
        return {
            str(path.relative_to(self.folder)): path.lstat().st_mtime_ns
            for path in self.folder.rglob("*")
            if ".git" not in path.relative_to(self.folder).parts
        }

    @contextlib.contextmanager
    def spawn(self, *arguments: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
        """Starts the program as a process of its own; it is killed at the end of the block if still alive."""
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with self.starting(
            [sys.executable, "-m", "reconciler", *arguments],
            cwd=self.folder,
            env=self._variables({}),
            encoding="utf-8",
            **streams | options,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def process(self, *arguments: str, **options: Any) -> Done:
        """Runs the program as a process of its own, to its end."""
        with self.spawn(*arguments, **options) as process:
            out, err = process.communicate(timeout=60)
        assert "Traceback" not in out + err, out + err
        return Done(process.returncode, out, err)

    def configure(self, text: str) -> None:
        """Writes `reconciler.toml`."""
        (self.folder / "reconciler.toml").write_text(text, "utf-8")

    def _variables(self, more: Mapping[str, str]) -> dict[str, str]:
        inherited = {
            name: value for name, value in git_environment().items() if not name.lower().startswith(_NOT_OURS)
        }
        ours = {
            "HOME": str(self.folder.parent),
            "PYTHONDONTWRITEBYTECODE": "1",
        }  # a full disk would cut it off
        return inherited | ours | self.environment | dict(more)


@dataclass
class Fleet(Program):
    """The program in a git repository with a few manifests of its own making."""

    repository: GitRepository = field(init=False)

    def __post_init__(self) -> None:
        self.repository = GitRepository(self.folder)

    def commit(self, files: Mapping[str, str | bytes | None], message: str = "Change") -> str:
        """Commits files; returns the commit id."""
        return self.repository.commit(files, message)

    def declare(self, *models: str, folder: str = "models.d") -> str:
        """Commits one small manifest for each `name@version`, as `FOLDER/name-version.yaml`."""
        return self.commit({f"{folder}/{model.replace('@', '-')}.yaml": manifest(model) for model in models})


def manifest(model: str, **fields: Any) -> str:
    """A small valid manifest for `name@version`, in YAML's JSON subset a line a field."""
    name, _, version = model.partition("@")
    basic = {
        "model_name": name,
        "model_version": version,
        "model_type": "TensorFlow",
        "source_location": f"https://models.obs.cn-north-4.myhuaweicloud.com/{name}",
    }
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in (basic | fields).items())


def modelarts(url: str, *, name: str = "prod", path: str = "models.d", more: str = "") -> str:
    """A `reconciler.toml` with one target over HTTP that asks for no credentials: `project-NAME`."""
    return f"""
[targets.{name}]
kind = "modelarts"
endpoint = "{url}"
project_id = "project-{name}"
path = "{path}"
{more}
{FOLLOW}"""


@contextlib.contextmanager
def _variables_are(variables: Mapping[str, str]) -> Iterator[None]:
    """Only what differs is changed: to empty and fill them again costs a command half a millisecond."""
    before = dict(os.environ)
    _change_variables(before, variables)
    try:
        yield
    finally:
        _change_variables(dict(os.environ), before)


def _change_variables(now: Mapping[str, str], variables: Mapping[str, str]) -> None:
    for name in now.keys() - variables.keys():
        del os.environ[name]
    for name, value in variables.items() - now.items():
        os.environ[name] = value


@contextlib.contextmanager
def _log_of_its_own() -> Iterator[None]:
    """What `run` does to the logs and hooks of its process is undone: here, the process is the tests'."""
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    handlers, level = logging.root.handlers[:], logging.root.level
    named = {logger: logger.handlers[:] for logger in _named_loggers()}
    try:
        yield
    finally:
        for logger in _named_loggers():  # those of `registry serve` write to a stream that is gone afterwards
            logger.handlers[:] = named.get(logger, [])
        sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
        logging.captureWarnings(capture=False)
        logging.root.handlers[:] = handlers
        logging.root.setLevel(level)


def _named_loggers() -> list[logging.Logger]:
    loggers = logging.root.manager.loggerDict.values()
    return [logger for logger in loggers if isinstance(logger, logging.Logger)]


def _exit_code() -> int:
    try:
        main()
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else int(left.code is not None)
    return 0


def _stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)


def _text(stream: io.TextIOWrapper) -> str:
    buffer = stream.detach()
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode("utf-8")
