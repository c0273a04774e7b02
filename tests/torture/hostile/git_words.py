"""Names, modes, targets, URLs, refs, hooks and settings that a repository can be hostile with."""

from __future__ import annotations

NAMES: tuple[bytes, ...] = (
    b"a.yaml", b"A.yaml", b"a.YAML", b"Good-0.yaml", b"good-0.yam", b"good-0.yaml.json", b".a.yaml",
    b"_a.yaml", b".yaml", b"..", b".", b".git", b".GIT", b"git~1", b"\xe2\x80\x8b.git", b".git.yaml",
    b"a\nb.yaml", b"a\r.yaml", b"a\tb.yaml", b"\x1b[2J.yaml", b"\x07.json", b"\xff\xfe.yaml",
    b"\xc0\xaf.yaml", b"\xed\xa0\x80.yml", b"\xe2\x80\xae.yaml", b" .yaml", "手写.yaml".encode(),
    "e\u0301.yaml".encode(), "é.yaml".encode(), "\u0430.yaml".encode(), b"-rf.yaml", b"--output=x.yaml",
    b":(glob)*.yaml", b"*.yaml", b"\\.yaml", b'"q".yaml', b"a b.yaml",
    b"$(touch canary-that-must-not-sing).yaml", b"con.yaml", b"x" * 250 + b".yaml", b"x" * 5000 + b".yaml",
    b".gitmodules", b".gitattributes", b"config.json", b"a", b"\xe2\x80\xa8.yaml",
)  # fmt: skip
IMPOSSIBLE = (b"", b"a/b.yaml", b"/abs.yaml", b"../up.yaml", b"a//b.yaml")
"""Names that git itself never writes into a tree."""
MODES = (
    b"100644",
    b"100644",
    b"100644",
    b"100755",
    b"120000",
    b"160000",
    b"40000",
    b"100664",
    b"777",
    b"0",
    b"170000",
)
TARGETS = (b"/etc/passwd", b"../../..", b"/dev/zero", b"good-0.yaml", b".", b"\x1b[2J", b"x" * 5000, b"")
URLS = (
    "ext::sh -c 'touch {c}'", "ext::./{p} %S x", "-oProxyCommand=./{p}", "--upload-pack=./{p}",
    "file://localhost/{p}", "ssh://-oProxyCommand=./{p}/x", "ssh://x@-oProxyCommand=./{p}/x",
    "-x@host:path", "u@-oProxyCommand=./{p}:x", "fd::17/foo", "transport::address", "https://u:{s}@",
    "https://u:{s}@host:99999999/x", "http://u:{s}@example.org/x", "file:///nowhere;touch {c}",
    "file:///`touch {c}`", "file://$(touch {c})", "git://host/x", "C:\\x", "~root/x", "{p}",
    "file:///\x1b[2J", "https://[::1", "https://ho st/x", "//host/x", "repo\0x", "a" * 5000,
    "file:///" + "a/" * 3000,
)  # fmt: skip
REFS = (
    b"", b"\n", b"ref: refs/heads/main", b"ref: ../../../etc/passwd", b"ref: refs/heads/../../config",
    b"ref: HEAD", b"ref: refs/heads/\x1b[2J", b"ref: refs/heads/" + b"x" * 5000, b"0" * 40, b"f" * 40,
    b"f" * 39, b"F" * 40, b"\xff" * 40,
)  # fmt: skip
HOOKS = ("post-checkout", "reference-transaction", "post-index-change", "pre-auto-gc", "fsmonitor-watchman")
PROGRAM_KEYS = (
    "core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "core.askPass",
    "core.alternateRefsCommand", "core.gitProxy", "pager.log", "pager.status", "gpg.program",
    "gpg.ssh.program", "gpg.x509.program", "credential.helper", "diff.external", "diff.evil.command",
    "diff.evil.textconv", "merge.evil.driver", "filter.evil.clean", "filter.evil.smudge",
    "filter.evil.process", "filter.odd [n]=x.clean", "uploadpack.packObjectsHook",
    "remote.origin.uploadpack", "remote.origin.vcs", "sequence.editor",
)  # fmt: skip
COMMANDS = ("log", "status", "ls-tree", "cat-file", "config", "rev-parse", "merge-base")
SETTINGS = (
    ("log.showSignature", "true"), ("diff.renames", "copies"), ("diff.orderFile", "/dev/zero"),
    ("core.quotePath", "false"), ("color.ui", "always"), ("log.decorate", "full"),
    ("format.pretty", "oneline"), ("i18n.logOutputEncoding", "UTF-16"), ("core.bare", "true"),
    ("core.worktree", "/"), ("core.excludesFile", "/dev/zero"), ("core.attributesFile", "evil"),
    ("include.path", "/dev/stdin"), ("log.mailmap", "true"), ("mailmap.file", "/etc/passwd"),
    ("core.precomposeUnicode", "x"), ("extensions.partialClone", "origin"),
    ("core.repositoryFormatVersion", "1"), ("diff.noprefix", "true"), ("status.renames", "copies"),
    ("core.abbrev", "4"), ("log.date", "human"), ("alias.x", "!x"), ("core.commentChar", "auto"),
)  # fmt: skip
