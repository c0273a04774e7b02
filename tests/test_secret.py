"""Secrets are read when they are used, from wherever they are kept."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
import time
from pathlib import Path

import pytest

from reconciler.errors import ConfigurationError
from reconciler.secret import CommandSecret, EnvironmentSecret, FileSecret, GivenSecret, Secret


def _read(secret: Secret) -> str:
    return asyncio.run(secret.read())


def test_a_file_is_read_anew_at_each_use(tmp_path: Path) -> None:
    """Rotation by writing the file, or by replacing it, needs no restart; the last line end is not read."""
    path = tmp_path / "sk"
    path.write_text("one\n")
    secret = FileSecret(path)
    assert _read(secret) == "one"
    path.write_text("two\r\n")
    assert _read(secret) == "two"
    (tmp_path / "new").write_text("three")
    (tmp_path / "new").replace(path)
    assert _read(secret) == "three"


def test_a_variable_is_read_anew_at_each_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of the process counts at the moment of use."""
    monkeypatch.setenv("REGISTRY_SK", "one")
    secret = EnvironmentSecret("REGISTRY_SK")
    assert _read(secret) == "one"
    monkeypatch.setenv("REGISTRY_SK", "two")
    assert _read(secret) == "two"
    monkeypatch.delenv("REGISTRY_SK")
    with pytest.raises(ConfigurationError, match="REGISTRY_SK is not set"):
        _read(secret)


def test_a_command_is_asked_again_when_its_answer_is_old(tmp_path: Path) -> None:
    """Within `keep` seconds one run serves everybody, even at once; then it runs again."""
    runs = tmp_path / "runs"
    now = [0.0]
    script = f"""if True:
        import pathlib
        path = pathlib.Path({str(runs)!r})
        with path.open("a") as file: file.write("x")
        print(path.read_text())"""
    secret = CommandSecret([sys.executable, "-c", script], keep=60, clock=lambda: now[0])

    async def main() -> list[str]:
        values = list(await asyncio.gather(secret.read(), secret.read()))
        now[0] = 59
        values.append(await secret.read())
        now[0] = 60
        values.append(await secret.read())
        return values

    assert asyncio.run(main()) == ["x", "x", "x", "xx"]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("import sys; print('CANARY'); sys.exit(3)", "exit code 3"),
        ("import sys; sys.stdout.buffer.write(b'CANARY\\xff')", "not UTF-8"),
        ("import sys; sys.stderr.write('CANARY')", "is empty"),
        ("print('CANARY', flush=True); import time; time.sleep(600)", "within 0.5 s"),
    ],
)
def test_a_command_that_gives_no_secret_is_an_error_without_its_output(script: str, words: str) -> None:
    """The error names the program and what happened, never what was printed; a stuck one is killed."""
    patience = 0.5 if "600" in script else 60
    with pytest.raises(ConfigurationError, match=words) as caught:
        _read(CommandSecret([sys.executable, "-c", script], timeout=patience))
    assert "CANARY" not in str(caught.value)
    assert sys.executable in str(caught.value)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see zombies")
def test_a_stuck_command_takes_its_children_with_it(tmp_path: Path) -> None:
    """Nothing is left running after the timeout."""
    pid_file = tmp_path / "pid"
    script = f"sleep 60 & echo $! > {pid_file}; wait"
    with pytest.raises(ConfigurationError, match="within"):
        _read(CommandSecret(["sh", "-c", script], timeout=0.5))
    pid = int(pid_file.read_text())
    for _ in range(100):
        if not _runs(pid):
            break
        time.sleep(0.02)
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().split()[2]
    except OSError:
        return False
    return state != "Z"


def test_places_that_hold_no_secret_are_named(tmp_path: Path) -> None:
    """Missing, empty, binary, oversized, a directory, no program: each with where and what."""
    path = tmp_path / "sk"
    with pytest.raises(ConfigurationError, match=r"sk cannot be read: No such file"):
        _read(FileSecret(path))
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        _read(FileSecret(tmp_path))
    path.write_text("\n")
    with pytest.raises(ConfigurationError, match="sk is empty"):
        _read(FileSecret(path))
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        _read(FileSecret(path))
    path.write_text("x" * 70_000)
    with pytest.raises(ConfigurationError, match="larger than"):
        _read(FileSecret(path))
    with pytest.raises(ConfigurationError, match="is empty"):
        _read(GivenSecret(" "))
    with pytest.raises(ConfigurationError, match="cannot be run: No such file"):
        _read(CommandSecret(["/nonexistent/program", "CANARY"]))
    with pytest.raises(ConfigurationError, match="empty"):
        CommandSecret([])


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    """Permission denied is said as such."""
    path = tmp_path / "sk"
    path.write_text("x")
    path.chmod(stat.S_IWUSR)
    with pytest.raises(ConfigurationError, match="Permission denied"):
        _read(FileSecret(path))


def test_no_representation_shows_a_value() -> None:
    """Neither repr nor str, and of a command only the program."""
    assert "CANARY" not in f"{GivenSecret('CANARY')!r} {CommandSecret(['pass', 'CANARY'])!r}"
