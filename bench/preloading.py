"""Fills a registry before anybody asks it: for measurements and tests that begin with many models."""

from __future__ import annotations

import json
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from reconciler.contract import edition
from reconciler.embedded.database import Database
from reconciler.embedded.model import arrive, insert
from reconciler.embedded.router import ANYBODY
from reconciler.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.embedded.settings import EmbeddedSettings

_A_TRANSACTION = 5000  # models


def preload(settings: EmbeddedSettings, project_id: str, requests: Iterable[Mapping[str, Any]]) -> int:
    """Registers models as import calls would have, past HTTP and past the rules.

    Args:
        settings: of the registry; its database is a file, and its clock is read once a model.
        project_id: where they go.
        requests: bodies of import calls that the rules accept: nobody asks them here.

    Returns:
        How many there were.

    Raises:
        ConfigurationError: there is no such edition, or the database is in memory.
        StateError: the database cannot be used.
        sqlite3.Error: a name and version are taken, or the disk refuses; some transactions of thousands of
            models may have been committed before.
    """
    if settings.database is None:
        raise ConfigurationError("a registry in memory cannot be filled beforehand: name a database file")
    defaults = edition(settings.edition).defaults
    models = (
        arrive(
            request,
            json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode(),
            project_id=project_id,
            caller=ANYBODY,
            request_id=uuid4().hex,
            settings=settings,
            defaults=defaults,
        )
        for request in requests
    )
    count = 0
    with closing(Database(settings.database)) as database:
        while some := list(islice(models, _A_TRANSACTION)):
            with database.transaction() as connection:
                insert(connection, some)
            count += len(some)
    return count
