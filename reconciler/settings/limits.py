"""`[limits]`: what one commit may declare, and how much is told of it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from reconciler.budgets import DEFAULTS


class LimitSettings(BaseModel):
    """`[limits]`: how much is read of a commit, and how much of it is stored and shown."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)

    paths: int = Field(DEFAULTS.paths, ge=1, description="Files and folders of a target, in one commit.")
    listed_bytes: int = Field(DEFAULTS.listed_bytes, ge=1024, description="Bytes of git's list of them.")
    manifests: int = Field(DEFAULTS.manifests, ge=1, description="Documents of one target.")
    manifest_bytes: int = Field(
        DEFAULTS.manifest_bytes, ge=1024, description="Bytes of manifests that one cycle reads for a target."
    )
    file_faults: int = Field(
        DEFAULTS.file_faults, ge=1, description="Problems told of one file; the rest are counted."
    )
    faults: int = Field(DEFAULTS.faults, ge=1, description="Problems told of a target; the rest are counted.")
    commits: int = Field(DEFAULTS.commits, ge=1, description="Commits read for one question about history.")
    changes: int = Field(DEFAULTS.changes, ge=1, description="Changes of files in these commits.")
    log_bytes: int = Field(DEFAULTS.log_bytes, ge=1024, description="Bytes of what git tells of them.")
    git_memory: int = Field(
        DEFAULTS.git_memory, ge=64 * 1024 * 1024, description="Bytes that one git process may allocate."
    )
    author: int = Field(DEFAULTS.author, ge=8, description="Characters of an author that are kept.")
    subject: int = Field(DEFAULTS.subject, ge=8, description="Characters of a subject that are kept.")
    path: int = Field(DEFAULTS.path, ge=8, description="Characters of a path; a longer one is refused.")
    reason: int = Field(DEFAULTS.reason, ge=80, description="Characters of a problem's message.")
    output: int = Field(DEFAULTS.output, ge=1024, description="Bytes that one command prints.")
