"""Preflight: what can be known about a model before its import is asked for.

    source_location ─locate─▶ place ─open_files─▶ ModelFiles ─gather─▶ Package
    Manifest, Package, an edition ─examine─▶ reasons: layout, configuration, service code, sizes, addresses

In come a valid manifest and reading access to its files; out go reasons. The rules are pure; `opening`
and `obs` are the only modules that do I/O, and `obs` the only one that knows the object store's client. It is
stricter than the service, which looks at a model's content only after the call and says no more than
`failed`: so all reasons are warnings unless the caller wants errors.
"""

from __future__ import annotations

from reconciler.preflight.address import ObjectStoreKeys, obs_endpoint
from reconciler.preflight.examine import Examination

__all__ = ["Examination", "ObjectStoreKeys", "obs_endpoint"]
