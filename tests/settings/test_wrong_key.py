"""A secret that was put into the wrong key: told with the key and its length, never repeated, never kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.program import EMBEDDED, Fleet

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "hCk8Zq2LxWm5TnRv7YdB3sPf"
TARGET = '[targets.prod]\nkind = "modelarts"\nproject_id = "p"\nendpoint = "https://127.0.0.1:9"\n'


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (TARGET + f"auth = {{method = 'token', token_env = '{CANARY}'}}", "token"),
        (TARGET + f"auth = {{method = 'token', token_file = '{CANARY}'}}", "token"),
        (TARGET + f"auth = {{method = 'token', token_command = ['{CANARY}']}}", "token"),
        (TARGET.replace(":9", f":9?token={CANARY}"), "endpoint"),
        (TARGET.replace(":9", f":9#{CANARY}"), "endpoint"),
        (TARGET.replace("https://127.0.0.1:9", CANARY), "endpoint"),
        (TARGET.replace("127.0.0.1:9", f"u:{CANARY}@127.0.0.1:9"), "endpoint"),
        (TARGET.replace('"p"', f'"{CANARY}+"'), "project_id"),
        (EMBEDDED + f"[state]\nurl = 'postgresql://u@127.0.0.1:9/x?{CANARY}=1'", "state.url"),
        (EMBEDDED + f"[state]\nurl = 'sqlite:///x.db?key={CANARY}'", "state.url"),
        (EMBEDDED + f"[state]\nurl = '{CANARY}'", "state.url"),
        (EMBEDDED + f"[source]\nrepo = 'https://127.0.0.1:9/x.git?token={CANARY}'", ""),
        (EMBEDDED + f"[log]\nlevel = '{CANARY}'", "log.level"),
        (EMBEDDED + f"[web]\nlisten = '{CANARY}'", "web.listen"),
        (EMBEDDED + f"[schedule]\nevery = '{CANARY}'", "schedule.every"),
    ],
)
def test_a_secret_in_the_wrong_key_is_not_repeated(tmp_path: Path, text: str, key: str) -> None:
    """Neither in what is printed nor in what is stored, by any command that reads the configuration."""
    fleet = Fleet(tmp_path / "fleet")
    fleet.declare("a@1.0.0")
    fleet.configure(text)
    for command in ("plan", "apply", "doctor", "status"):
        done = fleet(command, "--verbose")
        assert CANARY.lower() not in (done.out + done.err).lower()
        if command == "apply":
            assert done.code in (2, 3)
            assert key in done.err
    kept = [path for path in (fleet.folder / ".reconciler").rglob("*") if path.is_file()]
    assert not any(CANARY.encode() in path.read_bytes() for path in kept)


def test_an_option_of_a_sqlite_file_is_told_as_such(tmp_path: Path) -> None:
    """Not as one of PostgreSQL, of which there are many; also one that PostgreSQL knows."""
    fleet = Fleet(tmp_path / "fleet")
    for option in ("key=1", "sslmode=require"):
        fleet.configure(EMBEDDED + f"[state]\nurl = 'sqlite:///x.db?{option}'")
        done = fleet("status")
        assert (done.code, "a SQLite file takes no options" in done.err) == (2, True)
