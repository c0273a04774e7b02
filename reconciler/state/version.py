"""What a state is known by; apart, so that reading it loads nothing."""

from __future__ import annotations

from typing import Final

PROGRAM: Final = "model-reconciler"
SCHEMA_VERSION: Final = 5
"""Raised with every change of the tables, or of what their values mean; each number has a migration."""
