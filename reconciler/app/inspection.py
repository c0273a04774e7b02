"""The preflight of one target, with the credentials and the object store that its registry implies."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from reconciler.app.credentials import secret_of
from reconciler.settings import AkSkAuth

if TYPE_CHECKING:
    from reconciler.engine.check import Checked
    from reconciler.manifest import Manifest, Reason
    from reconciler.preflight import ObjectStoreKeys
    from reconciler.settings import Configuration


@dataclass(frozen=True, slots=True)
class Inspection:
    """Implements `reconciler.engine.ports.Preflight`; reads in a thread: object stores take their time.

    Attributes:
        strict: whether doubts are errors.
    """

    configuration: Configuration
    target: str
    strict: bool

    async def __call__(self, manifest: Manifest) -> tuple[Reason, ...]:
        """What can be known about the model before its import is asked for."""
        from reconciler.preflight import Examination, obs_endpoint  # noqa: PLC0415 - only where it is wanted

        target = self.configuration.settings.targets[self.target]
        credentials = await self._credentials()
        preflight = Examination(
            target.edition,
            lambda: credentials,
            target.obs_endpoint or (obs_endpoint(target.endpoint) if target.endpoint else None),
            self.configuration.base / target.files if target.files else None,
            self.strict,
        )
        return await asyncio.to_thread(preflight.examine, manifest)

    async def _credentials(self) -> ObjectStoreKeys | None:
        """The access key of the target, which the object store takes as well; None without one."""
        from reconciler.preflight import ObjectStoreKeys  # noqa: PLC0415

        auth = self.configuration.settings.targets[self.target].auth
        if not isinstance(auth, AkSkAuth):
            return None
        base = self.configuration.base
        secret, token = secret_of(base, auth, "secret_key"), secret_of(base, auth, "security_token")
        if secret is None:
            return None
        return ObjectStoreKeys(auth.access_key, await secret.read(), await token.read() if token else None)


def inspected(configuration: Configuration, target: str | None, checked: Checked) -> Checked:
    """The same with what the files of each valid model say; once for each target that declares it."""

    async def look() -> Checked:
        seen = checked
        for name in configuration.chosen(target):
            section = configuration.settings.targets[name]
            inspection = Inspection(configuration, name, strict=section.preflight == "error")
            for manifest in checked.manifests:
                if PurePath(manifest.path).is_relative_to(section.path):
                    seen = seen.also(await inspection(manifest))
        return seen

    return asyncio.run(look())


def inspection_of(configuration: Configuration, target: str) -> Inspection | None:
    """The preflight that the loop makes for this target, or None when it is off."""
    preflight = configuration.settings.targets[target].preflight
    return None if preflight == "off" else Inspection(configuration, target, strict=preflight == "error")
