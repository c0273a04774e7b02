"""A repository whose configuration holds a canary wherever it takes a secret, and every command there is."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import typer.main

from reconciler.cli.commands import app
from tests.canaries.spelling import of_anything, of_header
from tests.program import FOLLOW, Done

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.canaries.echoing import Echo
    from tests.program import Fleet

_IN_HEADERS = ("secret_key", "security_token", "token", "page", "access_key", "host")
_ANYWHERE = ("password", "webhook", "git", "database", "proxy", "odd", "wrong", "sink", "signature", "push")
SECRETS = {place: of_header(place) for place in _IN_HEADERS} | {
    place: of_anything(place) for place in _ANYWHERE
}
"""A canary for each place; `odd` is a token that no header can carry, `wrong` is one in the wrong key."""

_ARGUMENTS = {
    "adopt": ("--stdout",),
    "comment": ("--forge", "github", "--change", "1", "--repository", "a/b", "--config", "reconciler.toml"),
    "completion": ("bash",),
    "diff": ("a@1.0.0",),
    "init": ("--dry-run",),
    "notify test": ("feishu",),
    "retry": ("a@1.0.0", "--yes"),
    "registry serve": ("--port", "0", "--settings", "registry.toml"),
    "run": ("--verbose", "--output", "json"),
}
"""What a command cannot do without; every other command is called by its name alone."""
_FIRST = ("apply", "run")
"""They write what went wrong into the state, from which others tell it."""
_LOOKED = re.compile(r'"event": "tick|"state \w+"')
"""What the loop says once it has looked."""


def quoted(place: str) -> str:
    """A canary as TOML writes it."""
    return json.dumps(SECRETS[place], ensure_ascii=False)


def commands() -> list[str]:
    """Every command of the program, as the program lists them; a command of a group has two words."""
    group: Any = typer.main.get_command(app)
    context = typer.Context(group)
    names = []
    for name in group.list_commands(context):
        command: Any = group.resolve_command(context, [name])[1]
        inner = getattr(command, "commands", None)
        names += [f"{name} {child}" for child in inner] if inner else [name]
    return sorted(names, key=lambda name: (name not in _FIRST, name))


@dataclass
class Site:
    """The repository, its configuration, the servers of its registries, its sink and its notes.

    Attributes:
        endpoints: the URLs of some targets; the others are at `echo`.
        ways: how some targets log in, in place of the usual.
    """

    fleet: Fleet
    echo: Echo
    sink: Echo
    host: Echo
    forge: Echo
    endpoints: Mapping[str, str] = field(default_factory=dict)
    ways: Mapping[str, str] = field(default_factory=dict)

    def configure(self, *, source: str = "", state: str = "", more: str = "", registry: str = "") -> None:
        """Writes both configurations: of this program, and of the registry that ships with it."""
        secrets = self.fleet.folder.parent / "secrets"
        secrets.mkdir(exist_ok=True)
        for place, secret in SECRETS.items():
            (secrets / place).write_text(f"{secret}\n", "utf-8")
        self.fleet.environment["CANARY_PASSWORD"] = SECRETS["password"]
        self.fleet.environment["GITHUB_TOKEN"] = SECRETS["host"]
        self.fleet.environment["GITHUB_API_URL"] = f"http://{self.forge.address}"
        self.forge.mode = self.echo.mode
        targets = "".join(self._target(name, way) for name, way in {**_WAYS, **self.ways}.items())
        head = f"[source]\n{source}\n[state]\n{state}\n"
        text = f"{head}{targets}{_SINK}{_AUDIT}{_WEB}{FOLLOW}{more}".replace(
            "SINK", self.sink.address
        ).replace("HOST", self.host.address)
        self.fleet.configure(text.replace("SECRETS", str(secrets)))
        (self.fleet.folder / "registry.toml").write_text(registry or _REGISTRY, "utf-8")

    def runs(self) -> Iterator[Done]:
        """Runs every command there is, in both forms of output where it has them."""
        for name in commands():
            words = (*name.split(), *_ARGUMENTS.get(name, ()))
            if name == "run":
                yield self._looped(*words)
            elif name == "registry serve":
                with _stopped_once_it_listens():
                    yield self.fleet.here(*words)
            else:
                yield from self._in_both_forms(words)

    def kept(self) -> bytes:
        """Every byte that was written: state, index, mirrors, databases and locks."""
        folder = self.fleet.folder / ".reconciler"
        return b"\n".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())

    def _target(self, name: str, way: str) -> str:
        url = self.endpoints.get(name, f"http://{self.echo.address}")
        return (
            f'[targets.{name}]\nkind = "modelarts"\nendpoint = "{url}"\nproject_id = "p"\n'
            f'timeout = "300ms"\nauth = {{{way.replace("ENDPOINT", url)}}}\n'
        )

    def _in_both_forms(self, words: tuple[str, ...]) -> Iterator[Done]:
        forms = [self.fleet.here(*words, *form) for form in (("--verbose",), ("--output", "json"))]
        understood = [done for done in forms if "No such option" not in done.err]
        yield from understood or [self.fleet.here(*words)]

    def _looped(self, *words: str) -> Done:
        """The loop, as a process of its own: stopped once it has said how its first look went."""
        with self.fleet.spawn(*words) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            log = ""
            for line in process.stderr:
                log += line
                if _LOOKED.search(line):
                    process.send_signal(signal.SIGTERM)
            return Done(process.wait(), process.stdout.read(), log)


@contextmanager
def _stopped_once_it_listens() -> Iterator[None]:
    """Sends SIGTERM to this very process, once somebody handles it."""
    before, ended = signal.getsignal(signal.SIGTERM), threading.Event()

    def watch() -> None:
        while not ended.wait(0.01):
            if signal.getsignal(signal.SIGTERM) is not before:
                os.kill(os.getpid(), signal.SIGTERM)
                return

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


_WAYS = {
    "signed": f'method = "aksk", access_key = {quoted("access_key")}, secret_key = {quoted("secret_key")}, '
    'security_token_file = "SECRETS/security_token"',
    "ready": 'method = "token", token_command = ["cat", "SECRETS/token"]',
    "given": f'method = "token", token = {quoted("token")}',
    "odd": 'method = "token", token_file = "SECRETS/odd"',
    "login": 'method = "password", iam_endpoint = "ENDPOINT", username = "robot", domain = "acme", '
    'scope = "cn-north-4", password_env = "CANARY_PASSWORD"',
}

_SINK = f"""
[[notify]]
kind = "feishu"
url = "http://SINK/hook/{quote(SECRETS["sink"], safe="")}"
secret_file = "SECRETS/signature"
"""

_AUDIT = f"""
[audit]
notes = "refs/notes/reconciler"
push_url = "http://robot:{quote(SECRETS["push"], safe="")}@HOST/notes.git"
"""

_WEB = """
[web]
listen = "127.0.0.1:0"
health_listen = "127.0.0.1:0"
token_file = "SECRETS/page"
webhook_secret_file = "SECRETS/webhook"
[schedule]
every = "1h"
grace = "2s"
"""

_REGISTRY = f"""
[auth]
[[auth.access_keys]]
access_key = "AK"
secret_key = {quoted("secret_key")}
security_token = {quoted("security_token")}
[[auth.users]]
name = "robot"
domain = "acme"
password = {quoted("password")}
"""
