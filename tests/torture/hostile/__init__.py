"""Attackers, one for each way in: manifests, git trees, configuration files, a registry's answers.

Each attacker makes one hostile case from dice, sends it through the real rooms, and raises whatever breaks a
promise: an error that is not of `reconciler.errors`, or a `Breach`.
"""

from __future__ import annotations
