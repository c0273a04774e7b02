"""Credentials of a URL, over a real git server that asks for them: no process list ever shows them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import SourceError
from tests.source.git_over_http import BACKEND, quoted, served

if TYPE_CHECKING:
    from pathlib import Path

    from tests.git_repository import GitRepository
    from tests.source.conftest import Opener

_CANARIES = {
    "plain": ("robot", "c4nary-s3cret"),
    "blank and quotes": ("r o'b\"ot", "c4nary $HOME `id` 'x' \\n%s"),
    "other alphabets": ("机器人", "c4nary-пароль-秘密"),
    "colon": ("robot", "c4nary:with:colons@/"),
    "empty password": ("c4nary-token", ""),
}

pytestmark = pytest.mark.skipif(not BACKEND.exists(), reason="this git has no http-backend")


@pytest.mark.parametrize("kind", _CANARIES)
def test_no_process_shows_the_credentials_of_a_url(
    repository: GitRepository, opened: Opener, cache: Path, tmp_path: Path, kind: str
) -> None:
    """Not git, nor its helpers, nor a shell; nor any file of the mirror or of the user's."""
    username, password = _CANARIES[kind]
    commit = repository.commit({"m/a": "1"})
    with served(repository, username, password) as (host, handler):
        url = f"http://{quoted(username)}:{quoted(password)}@{host}/repo/.git"
        source = opened(url, branch="main")
        assert source.head() == commit
        second = repository.commit({"m/a": "2"})
        assert source.head() == second
        assert handler.expected in handler.asked
        listed = "\n".join(handler.seen)
    assert "remote-http" in listed
    unknown = {password, quoted(password), username, quoted(username)} - {"", "robot", quoted("robot")}
    assert not [text for text in unknown if text in listed]
    assert "c4nary" not in listed
    written = [file for folder in (cache, tmp_path / "home") for file in folder.rglob("*") if file.is_file()]
    assert not [file for file in written if b"c4nary" in file.read_bytes()]


def test_a_wrong_password_is_said_and_not_shown(repository: GitRepository, opened: Opener) -> None:
    """It is tried once a look, and not handed to anybody else."""
    repository.commit({"a": "1"})
    with served(repository, "robot", "right") as (host, handler):
        with pytest.raises(SourceError, match="credentials were refused or missing") as caught:
            opened(f"http://robot:c4nary-wrong@{host}/repo/.git").head()
        assert "c4nary" not in str(caught.value)
        assert "c4nary" not in "\n".join(handler.seen)


def test_the_users_helper_still_knows_the_password_of_a_name(
    repository: GitRepository, opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A URL with a name alone says whose password is meant, and the name is no argument either."""
    commit = repository.commit({"a": "1"})
    with served(repository, "r0b0t-canary", "kept") as (host, handler):
        store = tmp_path / "store"
        store.write_text(f"http://other:wrong@{host}\nhttp://r0b0t-canary:kept@{host}\n")
        store.chmod(0o600)
        (tmp_path / "gitconfig").write_text(f"[credential]\n\thelper = store --file {store}\n")
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
        assert opened(f"http://r0b0t-canary@{host}/repo/.git").head() == commit
        assert "r0b0t-canary" not in "\n".join(handler.seen)


def test_a_password_of_the_url_is_tried_before_and_kept_from_the_users_helpers(
    repository: GitRepository, opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written in the configuration of this program is not written anywhere else."""
    commit = repository.commit({"a": "1"})
    with served(repository, "robot", "c4nary") as (host, _):
        store = tmp_path / "store"
        store.write_text(f"http://robot:wrong@{host}\n")
        before = os.stat(store).st_mtime_ns  # noqa: PTH116 - a file's time
        (tmp_path / "gitconfig").write_text(f"[credential]\n\thelper = store --file {store}\n")
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
        assert opened(f"http://robot:c4nary@{host}/repo/.git").head() == commit
        assert os.stat(store).st_mtime_ns == before  # noqa: PTH116 - a file's time
