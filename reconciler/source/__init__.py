"""The source room: committed content of one git repository, and who committed it.

In comes where a repository is; out go snapshots, file contents by blob id, authors and histories, as values
of `reconciler.engine.values`. The only room that knows GitPython. It knows nothing of manifests.
"""

from __future__ import annotations

from reconciler.source.repository import GitSource, open_source
from reconciler.source.rules import KeyFiles, TrustRules

__all__ = ["GitSource", "KeyFiles", "TrustRules", "open_source"]
