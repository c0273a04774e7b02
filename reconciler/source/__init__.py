"""The source room: committed content of one git repository, and who committed it.

In comes where a repository is; out go snapshots, file contents by blob id, authors and histories, as values
of `reconciler.engine.values`. The only room that knows GitPython. It knows nothing of manifests.

GitPython starts git, finds its version and ends its processes. Its objects (`Repo`, `Commit`, `Tree`, `Blob`)
are not used; measured with 3.2.1 on 2,000 files:

- listing a commit takes `tree.traverse()` 240 ms and `ls-tree -r` 3 ms; reading every file
  `Blob.data_stream` 53 ms and one `cat-file --batch` 15 ms; comparing two commits `Commit.diff` 8 ms and
  `diff-tree` 3 ms; asking for an ancestor `is_ancestor` 15 ms and `merge-base` 5 ms;
- the newest commit takes `Repo.head` 25 ms, reading the ref 0.02 ms and no process (`git_files`); resolving a
  revision takes the same either way, but a `Repo` keeps two processes until it is closed (30 that were not
  left 60), and hangs when four threads use it;
- a repository whose object ids are SHA-256 is refused (`Failed to parse reference information`);
- no object has a limit of time or bytes, which commits of strangers need (`reconciler.budgets`), and notes
  and logs go through `repo.git.…()`, which checks no argument: `log --output=` wrote a file, `fetch
  --upload-pack=` ran a program (of that kind are CVE-2022-24439 and CVE-2023-40267).

So argument lists are fixed here, what a user wrote stands behind `--end-of-options` or `--`, and each process
has a limit of time and bytes, and an end (`commands`, `process`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.lazy import attributes

if TYPE_CHECKING:
    from reconciler.source.repository import GitSource, open_source
    from reconciler.source.signers import KeyFiles
    from reconciler.source.trust import TrustRules

__all__ = ["GitSource", "KeyFiles", "TrustRules", "open_source"]

_NAMES = {
    "repository": ("GitSource", "open_source"),
    "signers": ("KeyFiles",),
    "trust": ("TrustRules",),
}  # fmt: skip

__getattr__ = attributes(__name__, _NAMES)
