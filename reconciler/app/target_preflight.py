"""The preflight of one target, with the credentials and the object store that its registry implies."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING

from reconciler.app.credentials import secret_of
from reconciler.settings import AkSkAuth

if TYPE_CHECKING:
    from reconciler.engine.ports import Preflight
    from reconciler.engine.validate import Checked
    from reconciler.manifest import Manifest, Reason
    from reconciler.preflight import ObjectStoreKeys
    from reconciler.settings import Configuration


async def _examine(configuration: Configuration, name: str, manifest: Manifest) -> tuple[Reason, ...]:
    """Implements `reconciler.engine.ports.Preflight`; reads in a thread: object stores take their time."""
    from reconciler.preflight import Examination, obs_endpoint  # noqa: PLC0415 - only where it is wanted

    target = configuration.settings.targets[name]
    credentials = await _credentials(configuration, name)
    preflight = Examination(
        target.edition,
        lambda: credentials,
        target.obs_endpoint or (None if target.is_local else obs_endpoint(target.endpoint)),
        configuration.base / target.files if target.files else None,
        target.preflight == "error",
    )
    return await asyncio.to_thread(preflight.examine, manifest)


async def _credentials(configuration: Configuration, name: str) -> ObjectStoreKeys | None:
    """The access key of the target, which the object store takes as well; None without one."""
    from reconciler.preflight import ObjectStoreKeys  # noqa: PLC0415

    base, auth = configuration.base, configuration.settings.targets[name].auth
    if not isinstance(auth, AkSkAuth):
        return None
    secret, token = secret_of(base, auth, "secret_key"), secret_of(base, auth, "security_token")
    if secret is None:
        return None
    return ObjectStoreKeys(auth.access_key, await secret.read(), await token.read() if token else None)


def with_preflight(configuration: Configuration, target: str | None, checked: Checked) -> Checked:
    """The same with what the files of each valid model say; once for each target that declares it."""

    async def look() -> Checked:
        examined = checked
        for name in configuration.chosen(target):
            folder = configuration.settings.targets[name].path
            for manifest in checked.manifests:
                if PurePath(manifest.path).is_relative_to(folder):
                    examined = examined.also(await _examine(configuration, name, manifest))
        return examined

    return asyncio.run(look())


def preflight_of(configuration: Configuration, target: str) -> Preflight | None:
    """The preflight that the loop makes for this target, or None when it is off."""
    is_off = configuration.settings.targets[target].preflight == "off"
    return None if is_off else partial(_examine, configuration, target)
