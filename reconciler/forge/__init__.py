"""The forge room: the plan on a pull or merge request, on the hosts of repositories.

    Review ─▶ publish (one comment, one status a target) ─▶ Host ─▶ Api (pace, repetition) ─▶ network

In comes what is to be said of one change; out goes one comment for each target, found again by a hidden
marker and edited in place, and a commit status where the host has such a thing. The words are made elsewhere
(`reconciler.views.markdown`). The room knows nothing of git, registries or the state; the environment is an
argument.

    host   what is asked of every host, and one comment there, whatever other runs do meanwhile
    kinds  the hosts in the words of their APIs and variables: GitHub, GitLab, Gitee, CodeArts
    api    one host's API: credentials, pages, limits of the rate, errors in words
"""

from __future__ import annotations

from reconciler.forge.host import Published, Review, Status, publish
from reconciler.forge.kinds import FORGES, Forge, Job, host_of, job_of

__all__ = ["FORGES", "Forge", "Job", "Published", "Review", "Status", "host_of", "job_of", "publish"]
