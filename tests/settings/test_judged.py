"""What is judged with the configuration, before anything is opened, whichever command reads it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from reconciler.embedded.toml_settings import RegistryFile
from reconciler.errors import ConfigurationError
from reconciler.settings import Settings, load

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import BaseModel

SINK = '[[notify]]\nkind = "{kind}"\nurl = "{url}"\n'
AUDIT = '[audit]\nnotes = "refs/notes/x"\npush_url = "{url}"\n'
PRINTED = """
[targets.a]
kind = "modelarts"
endpoint = "https://a"
project_id = "1"
auth = {{ method = "token", token_command = {} }}
"""
REFUSED = [
    ('[source]\nrepo = ""', "source.repo: is empty"),
    (
        '[source]\nrepo = "ftp://host/x"',
        "source.repo: repository URL ftp://host/x: scheme 'ftp' is",
    ),
    ('[source]\nrepo = "https://robot:canary@/x"', "source.repo: repository URL https:///x: has no host"),
    ('[source]\nrepo = "-c=x"', "source.repo: repository '-c=x': begins with '-'"),
    ('[web]\ntoken = "canary"', "web.token: there is none, or one of less than 16 characters"),
    ('[web]\ntoken = """canary-canary-1\ncanary-canary-22\ncanary-canary-33"""', "web.token: there is none"),
    (
        '[web]\ntoken = """canary-canary-11\ncanary-canary-22\ncanary-canary-33"""',
        "web.token: there are 3: give 2 at most",
    ),
    ('[web]\ntoken = ""', "reconciler.toml:2: web.token: is empty: give a value, or leave it out"),
    ('[web]\ntoken_env = ""', "web.token_env: is empty"),
    (
        '[web]\ncommit_url = "git.example.com/{commit}"',
        "web.commit_url: is no address of a web page: write it",
    ),
    ("[web]\ncommit_url = \"javascript:alert('{commit}')\"", "web.commit_url: is no address of a web page"),
    ('[web]\ncommit_url = "https:///{commit}"', "web.commit_url: is no address of a web page"),
    ('[web]\ncommit_url = "https://[x/{commit}"', "web.commit_url: is no address of a web page"),
    ('[web]\ncommit_url = "https://x/{commit} b"', "web.commit_url: has a blank: write %20"),
    ('[web]\ncommit_url = "https://u:canary@x/{commit}"', "web.commit_url: carries credentials"),
    (
        '[web]\ncommit_url = "https://x/{comit}"',
        "a placeholder in it is unknown; did you mean 'commit'?; what",
    ),
    ('[web]\ncommit_url = "https://x/{commit}/{path}"', "is unknown; what is replaced is {commit}"),
    (
        '[web]\ncommit_url = "https://x/commit"',
        "web.commit_url: {commit} is missing in it: write it like http",
    ),
    ('[web]\ncommit_url = "https://x/{commit"', "web.commit_url: {commit} is missing in it"),
    (
        '[web]\nfile_url = "https://x/{commit}"',
        "web.file_url: {path} is missing in it: write it like https://",
    ),
    ('[web]\nfile_url = "https://x/{sha}/{path}"', "what is replaced is {commit}, {path} and {line}"),
    ('[web]\nfile_url = "x/{commit}/{path}"', "reconciler.toml:2: web.file_url: is no address of a web page"),
    *(
        (
            f'[web]\nallowed_hosts = ["a", "{host}"]',
            "web.allowed_hosts.1: expected a name or an address without scheme",
        )
        for host in ("https://a", "a:8321", "a/b", "[::1]", "*a", "a.*.b", "*.", ".a", "a.", "a b", "**")
    ),
    ("[web]\nallowed_hosts = []", "web.allowed_hosts: expected at least one"),
    (
        '[targets.a]\nkind = "embedded"\nobs_endpoint = "obs.example.com"',
        "targets.a.obs_endpoint: is not the base of an API: write https://host",
    ),
    ('[source.verify]\nsince = "v1.0"', "source.verify.since: expected the whole id of a commit, 40 or 64"),
    ('[audit]\nnotes = "reconciler"', "audit.notes: expected refs/notes/ and a name of letters, digits"),
    (
        '[[notify]]\nkind = "webhook"\nurl = "https://a/b"\nname = "on call"',
        "reconciler.toml:4: notify.0.name: expected a name of up to 64 letters, digits, _, - and ., such as",
    ),
    (f'[targets.{"a" * 65}]\nkind = "embedded"', ": expected a name of up to 64 letters"),
    ('[targets."a b"]\nkind = "embedded"', "targets.a b: expected a name of up to 64 letters"),
    (
        '[targets.a]\nkind = "modelarts"\nendpoint = "https://a"\nproject_id = "a b"',
        "targets.a.project_id: expected the id of a project, up to 64 letters",
    ),
    ('[web]\nallowed_hosts = ["a", ""]', "web.allowed_hosts.1: is empty"),
    ('[source.verify.authors]\n"" = ["a"]', "source.verify.authors: one of its keys is empty"),
    ('[source.verify.authors]\na = ["a", ""]', "source.verify.authors.a.1: is empty"),
    (PRINTED.format('[""]'), "targets.a.auth.token_command.0: is empty"),
    (PRINTED.format('""'), "targets.a.auth.token_command: is empty"),
    ('[state]\ndir = ""', "state.dir: is empty"),
    ('[targets.a]\nkind = "embedded"\ndatabase = ""', "reconciler.toml:3: targets.a.database: is empty"),
    ("[guards]\nmax_imports_per_cycle = true", "max_imports_per_cycle: expected a number"),
    ('[targets.a]\nkind = "embedded"\npublish_seconds = false', "publish_seconds: expected a number"),
    ('[state]\nurl = "sqlite:///:memory:"', "state.url: a state in memory is none"),
    ('[ha]\nlease = "1s"', "ha.renew: a lease that is renewed once"),
    (AUDIT.format(url="canary"), "audit.push_url: is not the URL of a repository, such as https://host/path"),
    (AUDIT.format(url=""), "audit.push_url: is empty"),
    (AUDIT.format(url="http://robot:canary@host/x"), "audit.push_url: repository URL http://host/x: http is"),
    (AUDIT.format(url="-u:canary@host/x"), "audit.push_url: is not the URL of a repository"),
    (AUDIT.format(url="-canary"), "audit.push_url: is not the URL of a repository"),
    (AUDIT.format(url="canary@-host:x"), "audit.push_url: repository URL -host:x: user, host and path must"),
    (AUDIT.format(url="canary::x"), "audit.push_url: is not the URL of a repository"),
    ('[source]\nrepo = "-u:canary@host/x"', "source.repo: repository: looks like a URL with a password"),
    (SINK.format(kind="webhook", url="https://a canary/x"), "notify.0.url: is no address of a web server"),
    (SINK.format(kind="webhook", url="canary"), "notify.0.url: is no address of a web server"),
    (SINK.format(kind="feishu", url="https://"), "notify.0.url: is no address of a web server"),
    (SINK.format(kind="webhook", url="https://host:canary/"), "notify.0.url: is no address of a web server"),
    (SINK.format(kind="webhook", url="http://host/canary"), "notify.0.url: would be sent unencrypted"),
    (
        SINK.format(kind="alertmanager", url="http://a:canary@b"),
        "notify.0.url: would be sent unencrypted",
    ),
]
TAKEN = [
    '[source]\nrepo = "git@host:team/models.git"',
    '[source]\nrepo = "C:/models"',
    '[web]\ncommit_url = "http://git/c?id={commit}"\nfile_url = "https://git:8443/blob/main/{path}"',
    '[web]\nallowed_hosts = ["*", "*.a.b", "A-1_x.example.com", "10.0.0.1", "::1", "localhost"]',
    '[web]\ntoken = "0123456789abcdef\\nfedcba9876543210"',
    AUDIT.format(url="ssh://git@host/notes.git"),
    SINK.format(kind="webhook", url="http://127.0.0.1:1/x"),
    SINK.format(kind="alertmanager", url="http://alertmanager:9093"),
    SINK.format(kind="apprise", url="dingtalk://token"),
    PRINTED.format('["printf", "%s", ""]'),
]


@pytest.mark.parametrize(("text", "words"), REFUSED)
def test_a_value_that_no_use_could_take_is_refused_with_its_line(
    tmp_path: Path, text: str, words: str
) -> None:
    """And with nothing of a secret."""
    file = tmp_path / "reconciler.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as refused:
        load(file, cwd=tmp_path)
    said = str(refused.value)
    assert said.startswith(f"{file}:"), said
    assert words in said
    assert "canary" not in said


@pytest.mark.parametrize("file", [Settings, RegistryFile])
def test_no_message_of_a_configuration_is_a_regular_expression(file: type[BaseModel]) -> None:
    """Pydantic would show a pattern of its own as it is; `Form` has words for it."""
    assert re.findall(r"'type': 'str', 'pattern': [^,}]*", str(file.__pydantic_core_schema__)) == []


def test_an_empty_text_hides_no_other_mistake_of_its_table(tmp_path: Path) -> None:
    """Each is told on a line of its own, and a misspelt key whose value is empty by its name."""
    file = tmp_path / "reconciler.toml"
    file.write_text(
        '[web]\nlisten = "a"\nenabled = 7\ntoken_env = ""\nbogus = 1\ntokn_file = ""\n'
        '[targets.a]\nkind = "embedded"\npublish_seconds = true\nin_flight = 0\ndatabase = ""\n'
    )
    with pytest.raises(ConfigurationError) as refused:
        load(file, cwd=tmp_path)
    said = sorted(line.removeprefix(f"{file}:").split(" ", 1) for line in str(refused.value).splitlines())
    assert [(line, words.split(":")[0]) for line, words in said] == [
        ("10:", "targets.a.in_flight"),
        ("11:", "targets.a.database"),
        ("2:", "web.listen"),
        ("3:", "web.enabled"),
        ("4:", "web.token_env"),
        ("5:", "web.bogus"),
        ("6:", "web.tokn_file"),
        ("9:", "targets.a.publish_seconds"),
    ]
    assert "web.tokn_file: unknown key; did you mean 'token_file'?" in str(refused.value)


@pytest.mark.parametrize("text", TAKEN)
def test_a_value_that_some_use_takes_is_taken(tmp_path: Path, text: str) -> None:
    """Whether anything is there is found out by who goes there."""
    file = tmp_path / "reconciler.toml"
    file.write_text(text)
    assert load(file, cwd=tmp_path).file == file
