from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.contract import edition
from reconciler.engine.validate import check
from reconciler.source.worktree import WorkTree
from tests.git_repository import GitRepository
from tests.program import EMBEDDED, Fleet, Program, manifest

if TYPE_CHECKING:
    from pathlib import Path


def test_a_problem_shows_its_place_its_line_and_a_caret(fleet: Fleet) -> None:
    """`path:line:column: message`, the line, a caret under the column; then the count."""
    fleet.repository.write({"models.d/bad.yaml": manifest("x@01.0.0")})
    done = fleet("validate")
    place, line, caret, count = done.out.splitlines()
    assert place.startswith("models.d/bad.yaml:2:16: model_version '01.0.0': ")
    assert line.strip() == 'model_version: "01.0.0"'
    assert caret.index("^") == line.index('"01.0.0"')
    assert (done.code, count, done.err) == (1, "3 manifests: 1 error, 0 warnings", "")


def test_all_problems_of_all_files_are_told_in_one_run(fleet: Fleet) -> None:
    """Sorted by path and line, with a did-you-mean for keys and words."""
    fleet.repository.write(
        {
            "models.d/one.yaml": manifest("x@1.0.0", model_type="TensorFlo") + "runtme: python2.7\n",
            "models.d/two.json": '{"model_name": "y",',
        }
    )
    problems = fleet.json("validate").json["problems"]
    entries = [(problem["path"], problem["message"]) for problem in problems]
    assert [path for path, _ in entries] == sorted(path for path, _ in entries)
    words = "\n".join(message for _, message in entries)
    assert "TensorFlow" in words
    assert "did you mean 'runtime'" in words
    assert entries[-1][0] == "models.d/two.json"


def test_a_number_that_no_float_can_hold_is_told(fleet: Fleet) -> None:
    """By `validate` and `plan`, at its place, and not by a traceback."""
    bound = {"url": "/", "protocol": "http", "method": "post", "param_name": "p", "param_type": "int"}
    fleet.commit({"models.d/n.yaml": manifest("n@1.0.0", input_params=[bound | {"min": 10**310}])})
    for command in ("validate", "plan"):
        done = fleet(command)
        assert done.code == 1, done.err
        assert "input_params[0].min: must be a number between" in done.out + done.err


def test_a_warning_is_no_error(fleet: Fleet) -> None:
    """The vendor's own example is accepted, with remarks, exit code 0."""
    box = {"url": "/x", "protocol": "http", "method": "post", "param_name": "p", "param_type": "box"}
    fleet.repository.write({"models.d/w.yaml": manifest("w@1.0.0", output_params=[box])})
    done = fleet("validate")
    assert done.code == 0
    assert ": warning: " in done.out
    assert ", 1 warning" in done.out


def test_without_paths_the_directories_of_all_targets_are_checked(fleet: Fleet) -> None:
    """Or of the one target asked for; a manifest that two targets share is one manifest."""
    fleet.configure(EMBEDDED + "[targets.sub]\nkind = 'embedded'\npath = 'models.d/sub'\n")
    fleet.repository.write({"models.d/sub/c.yaml": manifest("c@1.0.0")})
    assert fleet.json("validate").json["manifests"] == 3
    assert fleet.json("validate", "--target", "sub").json["manifests"] == 1


def test_files_are_checked_as_pre_commit_passes_them(fleet: Fleet) -> None:
    """Only what was passed is told, wherever the command is run."""
    fleet.repository.write({"models.d/bad.yaml": "a: 1\n", "models.d/worse.yaml": "["})
    assert fleet("validate", "models.d/a-1.0.0.yaml", "models.d/b-2.0.0.yaml").code == 0
    done = fleet.json("validate", "models.d/bad.yaml", "models.d/a-1.0.0.yaml")
    assert (done.code, done.json["manifests"]) == (1, 2)
    assert {problem["path"] for problem in done.json["problems"]} == {"models.d/bad.yaml"}
    assert Program(fleet.folder / "models.d")("validate", "worse.yaml").code == 1


@pytest.mark.parametrize("given", ["models.d", "models.d/", ".", "models.d/../models.d", "{here}/models.d"])
def test_a_directory_stands_for_the_targets_in_it(fleet: Fleet, given: str) -> None:
    """Also the repository's top, whose other YAML files are nobody's manifests."""
    fleet.repository.write({"compose.yaml": "services: {}\n"})
    done = fleet.json("validate", given.format(here=fleet.folder))
    assert (done.code, done.json["manifests"]) == (0, 2)


def test_files_and_directories_outside_of_every_target_are_checked_too(fleet: Fleet) -> None:
    """By the rules of the first target."""
    fleet.repository.write({"drafts/x.yaml": manifest("x@1.0.0"), "drafts/bad.yaml": "a: 1\n"})
    assert fleet("validate", "drafts/x.yaml").code == 0
    assert fleet("validate", "drafts/bad.yaml").code == 1
    assert fleet.json("validate", "drafts").json["manifests"] == 2


def test_a_pair_that_another_file_declares_is_told_for_the_file_given(fleet: Fleet) -> None:
    """Both places are named, although only one file was passed."""
    fleet.repository.write({"models.d/twin.yaml": manifest("a@1.0.0")})
    done = fleet("validate", "models.d/twin.yaml")
    assert done.code == 1
    assert "models.d/a-1.0.0.yaml:1" in done.out
    assert done.out.startswith("models.d/twin.yaml:1")
    assert len(done.out.splitlines()) == 2
    assert fleet("validate", "models.d/b-2.0.0.yaml").code == 0


@pytest.mark.parametrize("lines", [0, 800, 3_000])
def test_a_long_manifest_is_read_to_its_end(fleet: Fleet, lines: int) -> None:
    """A pair behind 80,000 bytes counts; with 300,000 before it the file is too large, and that is told."""
    long = ("# " + 97 * "-" + "\n") * lines
    fleet.repository.write({"models.d/long.yaml": long + manifest("a@1.0.0")})
    for given in ("long.yaml", "a-1.0.0.yaml"):
        report = fleet.json("validate", f"models.d/{given}").json
        codes = {problem["code"] for problem in report["problems"]}
        small = lines * 100 < 256 * 1024
        assert codes == ({"conflict"} if small else {"file-too-large"} if given == "long.yaml" else set())


def test_a_configuration_file_beside_a_manifest_is_read(fleet: Fleet) -> None:
    """Checking the manifest, or the file that it names, or both."""
    broken = {"models.d/c.yaml": manifest("c@1.0.0", initial_config_file="c.json"), "models.d/c.json": "{"}
    fleet.repository.write(broken)
    for given in (["models.d/c.yaml"], ["models.d/c.json"], ["models.d/c.json", "models.d/c.yaml"], []):
        done = fleet("validate", *given)
        assert done.code == 1
        assert "models.d/c.json:1" in done.out
    fleet.repository.write({"models.d/c.json": "{}"})
    assert fleet("validate", "models.d/c.json").code == 0
    assert fleet.json("validate").json["manifests"] == 3


def test_what_is_staged_or_not_is_all_the_same(fleet: Fleet) -> None:
    """The work tree is checked; with --commit, only what was committed."""
    first = fleet.repository.git("rev-parse", "HEAD")
    fleet.repository.write({"models.d/bad.yaml": "a: 1\n"})
    assert fleet("validate").code == 1
    assert fleet("validate", "--commit", "HEAD").code == 0
    fleet.commit({})
    assert fleet("validate", "--commit", "main").code == 1
    assert fleet("validate", "--commit", first).code == 0


def test_a_commit_tells_the_line_too(fleet: Fleet) -> None:
    """The same words as for the work tree."""
    fleet.commit({"models.d/bad.yaml": manifest("x@01.0.0")})
    assert fleet("validate", "--commit", "HEAD") == fleet("validate")


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["nope.yaml"], 2, "nope.yaml: no such file or directory"),
        (["/etc/hostname"], 2, "lies outside"),
        ([".."], 2, "lies outside"),
        (["--commit", "nope"], 3, "no commit is called 'nope'"),
        (["--commit", "--upload-pack=x"], 3, "no commit is called"),
        (["--commit", ""], 2, "the argument after --commit is empty"),
        (["--commit", "HEAD", "models.d"], 2, "leave the paths out"),
        (["--target", "x"], 2, "no such target"),
    ],
)
def test_what_cannot_be_checked_is_told(fleet: Fleet, arguments: list[str], code: int, expected: str) -> None:
    """Never passed over in silence."""
    done = fleet("validate", *arguments)
    assert (done.code, done.out) == (code, "")
    assert expected in done.err


def test_a_commit_without_the_directory_is_told(fleet: Fleet) -> None:
    """Nothing to check is not all well."""
    fleet.configure("[targets.x]\nkind = 'embedded'\npath = 'elsewhere'\n")
    assert fleet("validate").code == 2
    done = fleet("validate", "--commit", "HEAD")
    assert (done.code, "has no directory elsewhere" in done.err) == (3, True)


def test_links_and_pipes_are_reported_and_never_read(fleet: Fleet, tmp_path: Path) -> None:
    """A pipe would block for ever."""
    (tmp_path / "outside.yaml").write_text(manifest("x@1.0.0"))
    (fleet.folder / "models.d/link.yaml").symlink_to(tmp_path / "outside.yaml")
    (fleet.folder / "models.d/dir").symlink_to(tmp_path, target_is_directory=True)
    os.mkfifo(fleet.folder / "models.d/pipe.yaml")
    problems = fleet.json("validate").json["problems"]
    assert {problem["path"].removeprefix("models.d/") for problem in problems} == {
        "link.yaml",
        "dir",
        "pipe.yaml",
    }
    assert fleet("validate", "models.d/link.yaml").code == 1
    assert fleet("validate", "models.d/dir").code == 1


def test_a_directory_that_git_has_and_is_not_checked_out_is_told_as_such(fleet: Fleet) -> None:
    """`init` would be the wrong advice: it would write a second beginning."""
    fleet.commit({"other/file": "x"})
    fleet.repository.git("sparse-checkout", "set", "other")
    done = fleet("validate")
    assert (done.code, "git has it, and it is not checked out" in done.err) == (2, True)
    assert "init" not in done.err
    assert fleet("validate", "--commit", "HEAD").code == 0


def test_what_has_the_name_of_the_directory_is_told(fleet: Fleet, tmp_path: Path) -> None:
    """A file or a submodule, in the work tree as in a commit."""
    other = GitRepository(tmp_path / "other")
    other.commit({"a.yaml": manifest("a@1.0.0")})
    fleet.repository.git("rm", "-rq", "models.d")
    fleet.commit({"models.d": "x"})
    assert "there is a file of that name" in fleet("validate").err
    assert "no directory models.d (there is a file of that name)" in fleet("plan").err
    fleet.commit({"models.d": None})
    add = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add")
    fleet.repository.git(*add, str(other.path), "models.d")
    fleet.commit({})
    assert "models.d is a submodule, which is never looked into" in fleet("validate").err
    for command in (("plan",), ("doctor",), ("validate", "--commit", "HEAD")):
        done = fleet(*command)
        assert "no directory models.d (there is a submodule of that name" in done.out + done.err


@pytest.mark.parametrize("where", ["models.d", "models.d/prod"])
def test_a_directory_that_is_a_link_is_none_in_the_work_tree_as_in_a_commit(fleet: Fleet, where: str) -> None:
    """The target's own, and one above it: its files are read neither here nor there."""
    fleet.configure(f"[targets.x]\nkind = 'embedded'\npath = '{where}'\n")
    fleet.repository.write({"real/prod/c.yaml": manifest("c@1.0.0"), "real/d.yaml": manifest("d@1.0.0")})
    shutil.rmtree(fleet.folder / "models.d")
    (fleet.folder / "models.d").symlink_to("real", target_is_directory=True)
    done = fleet("validate")
    assert (done.code, done.out) == (2, "")
    assert f"{where}: no such directory in {fleet.folder}; models.d is a symbolic link" in done.err
    fleet.commit({})
    done = fleet("validate", "--commit", "HEAD")
    assert (done.code, f"has no directory {where}" in done.err) == (3, True)


def test_what_cannot_be_read_stops_nothing(fleet: Fleet, tmp_path: Path) -> None:
    """A pipe, a socket, links that lead to themselves: each is told, and so is the rest."""
    models = fleet.folder / "models.d"
    os.mkfifo(models / "pipe.yaml")
    os.mkfifo(models / "pipe")
    (models / "loop.yaml").symlink_to("loop.yaml")
    (models / "turn").symlink_to(".", target_is_directory=True)
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(tmp_path / "s"))
    (tmp_path / "s").rename(models / "socket.yaml")
    fleet.repository.write({"models.d/bad.yaml": manifest("x@01.0.0"), "models.d/z.yaml": "a: 1\n"})
    expected = {"bad.yaml", "loop.yaml", "pipe.yaml", "socket.yaml", "turn", "z.yaml"}
    done = fleet.json("validate")
    assert (done.code, _files_with_problems(done)) == (1, expected)
    named = sorted(f"models.d/{name}" for name in expected)
    assert _files_with_problems(fleet.json("validate", *named)) == expected
    only = fleet.json("validate", "models.d/a-1.0.0.yaml")
    assert (only.code, _files_with_problems(only)) == (0, set())
    assert {fleet("validate", "--output", form).code for form in ("github", "gitlab", "sarif")} == {1}


def test_a_file_that_vanishes_stops_nothing(fleet: Fleet) -> None:
    """Files and a folder are removed while they are looked at: the others are judged."""
    paths = [f"models.d/{name}.yaml" for name in ("b", "gone/c", "d")]
    fleet.repository.write({path: manifest("x@01.0.0") for path in paths} | {"models.d/here.yaml": "a: 1\n"})
    tree = WorkTree(fleet.folder)
    snapshot = tree.snapshot("models.d")
    shutil.rmtree(fleet.folder / "models.d/gone")
    (fleet.folder / "models.d/b.yaml").unlink()
    result = check(snapshot, tree, edition("seed-2019"))
    assert {reason.path for reason in result.reasons} == {"models.d/d.yaml", "models.d/here.yaml"}
    assert {(path, reason.code) for path, reason in tree.unread.items()} == {
        ("models.d/b.yaml", "unreadable-file"),
        ("models.d/gone/c.yaml", "unreadable-file"),
    }
    assert tree.look("models.d/b.yaml") is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_what_may_not_be_read_stops_nothing(fleet: Fleet) -> None:
    """Neither a file nor a folder."""
    fleet.repository.write(
        {"models.d/shut/x.yaml": "a: 1\n", "models.d/b.yaml": "", "models.d/z.yaml": "a: 1\n"}
    )
    (fleet.folder / "models.d/b.yaml").chmod(0)
    (fleet.folder / "models.d/shut").chmod(0)
    try:
        done = fleet.json("validate")
    finally:
        (fleet.folder / "models.d/shut").chmod(0o700)
    assert (done.code, _files_with_problems(done)) == (1, {"b.yaml", "shut", "z.yaml"})


def _files_with_problems(done: Any) -> set[str]:
    """The files that have problems."""
    return {problem["path"].removeprefix("models.d/") for problem in done.json["problems"]}


def test_a_directory_with_the_name_of_a_manifest_is_looked_into(fleet: Fleet) -> None:
    """As git would."""
    fleet.repository.write({"models.d/x.yaml/y.yaml": manifest("y@1.0.0")})
    assert fleet.json("validate").json["manifests"] == 3


def test_the_work_tree_is_that_of_the_configured_repository(tmp_path: Path) -> None:
    """Wherever the configuration lies; outside of any repository, it is the current directory."""
    fleet = Fleet(tmp_path / "fleet")
    fleet.repository.write({"models.d/a.yaml": manifest("a@1.0.0")})
    beside = Program(tmp_path)
    beside.configure(EMBEDDED + "[source]\nrepo = 'fleet'\n")
    assert beside.json("validate").json["manifests"] == 1
    assert beside.json("validate", "fleet/models.d/a.yaml").json["manifests"] == 1
    plain = tmp_path / "plain"
    (plain / "models.d").mkdir(parents=True)
    assert Program(plain).json("validate").json["manifests"] == 0


def test_nothing_is_written(fleet: Fleet) -> None:
    """No state, no cache."""
    before = fleet.files()
    fleet("validate")
    fleet("validate", "--commit", "HEAD")
    assert fleet.files() == before


def test_the_work_tree_is_checked_without_git(fleet: Fleet, tmp_path: Path) -> None:
    """No process is started, neither for one file nor for all."""
    for paths in ([], ["models.d/a-1.0.0.yaml"]):
        assert fleet("validate", *paths, PATH=str(tmp_path / "nothing")).code == 0
    assert fleet("validate", "--commit", "HEAD", PATH=str(tmp_path / "nothing")).code == 3


def test_a_hook_can_call_it(fleet: Fleet) -> None:
    """Inside a commit hook, with git's variables set."""
    hook = fleet.folder / ".git/hooks/pre-commit"
    hook.write_text(
        '#!/bin/sh\nexec "$PYTHON" -m reconciler validate $(git diff --cached --name-only)\n', "utf-8"
    )
    hook.chmod(0o755)
    fleet.repository.write({"models.d/bad.yaml": "a: 1\n"})
    fleet.repository.git("add", "models.d")
    done = _commit(fleet)
    assert done.returncode == 1
    assert "models.d/bad.yaml:1" in done.stdout + done.stderr
    fleet.repository.write({"models.d/bad.yaml": manifest("bad@1.0.0")})
    fleet.repository.git("add", "models.d")
    assert _commit(fleet).returncode == 0


def _commit(fleet: Fleet) -> subprocess.CompletedProcess[str]:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    return subprocess.run(
        ["git", *identity, "commit", "-qm", "Add"],
        cwd=fleet.folder,
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_file_that_is_named_and_is_no_manifest_is_told_of(fleet: Fleet) -> None:
    """Nobody takes it for checked; a configuration that a manifest names is."""
    beside = manifest("x@1.0.0") + "initial_config_file: _config.json\n"
    files = {"models.d/_draft.yaml": "", "models.d/x.yml.bak": "", "models.d/_config.json": "{}"}
    fleet.repository.write({**files, "models.d/x.yaml": beside})
    done = fleet("validate", *files)
    notes = [line for line in done.err.splitlines() if line.startswith("note: not checked: ")]
    assert (done.code, len(notes)) == (0, 2)
    assert "models.d/_draft.yaml is no manifest" in notes[0]
    assert "models.d/x.yml.bak is no manifest" in notes[1]
    assert fleet("validate", *files, "--quiet").err == ""


def test_a_file_that_any_target_checks_is_not_called_unchecked(fleet: Fleet) -> None:
    """Nor is one that a problem tells of already, such as a link."""
    target = "[targets.{}]\nkind = 'embedded'\npath = '{}'\ndatabase = '{}.db'\n"
    fleet.configure(target.format("all", "models.d", "a") + target.format("prod", "models.d/_prod", "b"))
    beside = manifest("x@1.0.0") + "initial_config_file: _config.json\n"
    named = ["models.d/_prod/x.yaml", "models.d/_prod/_config.json", "models.d/_prod/link.txt"]
    fleet.repository.write({named[0]: beside, named[1]: "{}", "models.d/_draft.txt": ""})
    (fleet.folder / named[2]).symlink_to("x.yaml")
    for arguments in (named, ["models.d/_prod", *named]):
        done = fleet("validate", *arguments, "models.d/_draft.txt")
        assert (done.code, "link.txt" in done.out) == (1, True), done
        notes = [line for line in done.err.splitlines() if line.startswith("note: not checked: ")]
        assert [line.split()[3] for line in notes] == ["models.d/_draft.txt"]


def test_git_is_not_asked_for_each_file_that_is_named(fleet: Fleet) -> None:
    """Those that are no manifest are looked for in the others all at once."""
    files = {f"models.d/{number}.md": "" for number in range(10)}
    fleet.repository.write({**files, **{f"models.d/{number}.yaml": "" for number in range(1001)}})
    fleet.repository.git("add", "models.d")
    asked = []
    for named in (list(files)[:1], list(files)):
        trace = fleet.folder / f"{len(named)}.trace"
        done = fleet("validate", *named, GIT_TRACE2=str(trace))
        assert done.err.count("note: not checked: ") == len(named)
        asked.append(trace.read_text("utf-8").count(" start ") if trace.exists() else 0)
    assert 0 < asked[1] < asked[0] + len(files) - 1


def test_what_git_ignores_is_not_checked_unless_it_is_named(fleet: Fleet) -> None:
    """It will be in no commit: files, folders, and what the user's own excludes say."""
    fleet.commit({".gitignore": "*.local.yaml\nbuild/\n"})
    bad = manifest("x@01.0.0")
    fleet.repository.write({"models.d/a.local.yaml": bad, "models.d/build/b.yaml": bad})
    assert fleet("validate").code == 0
    assert fleet("validate", "models.d").code == 0
    assert fleet("validate", "models.d/a.local.yaml").code == 1
    fleet.repository.git("add", "--force", "models.d/a.local.yaml")
    assert fleet("validate").code == 1


def test_a_twin_that_git_ignores_is_no_conflict(fleet: Fleet) -> None:
    """A file that is given is held only against what can be committed."""
    fleet.commit({".gitignore": "*.local.yaml\n", "models.d/x.yaml": manifest("x@1.0.0")})
    fleet.repository.write({"models.d/x.local.yaml": manifest("x@1.0.0")})
    assert fleet("validate", "models.d/x.yaml").code == 0


@pytest.mark.parametrize("filled", [True, False])
def test_a_submodule_is_refused_as_a_plan_refuses_it(fleet: Fleet, tmp_path: Path, filled: bool) -> None:
    """Whether its files are there or not; a repository in a folder, without a file that says so, too."""
    other = Fleet(tmp_path / "other")
    other.declare("sub@1.0.0")
    local = ("-c", "protocol.file.allow=always")
    where = "models.d/sub"
    fleet.repository.git(*local, "submodule", "--quiet", "add", f"file://{other.folder}", where)
    fleet.commit({})
    if not filled:
        fleet.repository.git("submodule", "--quiet", "deinit", "--force", where)
    problems = fleet.json("validate").json["problems"]
    committed = fleet.json("validate", "--commit", "HEAD").json["problems"]
    assert [(problem["path"], problem["code"]) for problem in problems] == [(where, "link")]
    assert [problem["message"] for problem in problems] == [problem["message"] for problem in committed]


def test_an_lfs_pointer_is_called_one(fleet: Fleet) -> None:
    """Its content is not in git, and no YAML error helps."""
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12\n"
    fleet.repository.write({"models.d/p.yaml": pointer, "models.d/p.json": pointer})
    problems = fleet.json("validate").json["problems"]
    assert [problem["code"] for problem in problems] == ["lfs-pointer", "lfs-pointer"]
    assert "git lfs untrack" in problems[0]["message"]


def test_an_lfs_pointer_that_a_manifest_names_is_called_one(fleet: Fleet) -> None:
    """The configuration file beside it, in whatever form the manifest asks for it."""
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12\n"
    named = manifest("p@1.0.0") + "initial_config_file: p.json\n"
    fleet.repository.write({"models.d/p.yaml": named, "models.d/p.json": pointer})
    problems = fleet.json("validate").json["problems"]
    assert {problem["code"] for problem in problems} == {"lfs-pointer"}
    assert all("git lfs untrack" in problem["message"] for problem in problems)
