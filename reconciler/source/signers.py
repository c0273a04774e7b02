"""Who may sign: the file of allowed ssh signers, as `ssh-keygen` reads it (ALLOWED SIGNERS in ssh-keygen(1)).

git judges a key's time by the committer's date, which whoever commits can choose. So the times are read here
as well, to be held against the moment at which a commit was first seen.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from reconciler.errors import ConfigurationError
from reconciler.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_NAMESPACE = "git"
_WORD = re.compile(r'(?:[^\s"]|"[^"]*")+')
_OPTION = re.compile(r'(?:[^,"]|"[^"]*")+')
_KEY_TYPE = re.compile(r"(?:sk-)?(?:ssh|ecdsa)-[\w@.-]+")
_TIME = re.compile(r"(\d{8})(\d{4})?(\d{2})?(Z)?")
_FORM = "expected `principals [options] key-type key`"


@dataclass(frozen=True, slots=True)
class AllowedSigner:
    """One line of the file.

    Attributes:
        principals: whose key it is; may be patterns.
        fingerprint: of the key, `SHA256:…`.
        valid_after, valid_before: when the key may sign; None for no such limit.
    """

    principals: tuple[str, ...]
    fingerprint: str
    valid_after: datetime | None = None
    valid_before: datetime | None = None

    def is_valid(self, moment: datetime) -> bool:
        """Whether the key may sign at this moment."""
        return (self.valid_after is None or self.valid_after <= moment) and (
            self.valid_before is None or moment <= self.valid_before
        )


def read_allowed_signers(file: Path) -> tuple[AllowedSigner, ...]:
    """The lines of the file that are for git.

    Raises:
        ConfigurationError: it cannot be read, or a line cannot.
    """
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is not UTF-8"
        raise ConfigurationError(f"allowed_signers {printable(str(file))}: cannot be read: {why}") from error
    signers: list[AllowedSigner] = []
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            try:
                signers += _signers(line)
            except ValueError as error:
                raise ConfigurationError(
                    f"allowed_signers {printable(str(file))}:{number}: {error}"
                ) from error
    return tuple(signers)


def _signers(line: str) -> Iterable[AllowedSigner]:
    words = _WORD.findall(line)
    options = "" if len(words) < 2 or _KEY_TYPE.fullmatch(words[1]) else words.pop(1)  # noqa: PLR2004 - the second word
    if len(words) < 3 or not _KEY_TYPE.fullmatch(words[1]):  # noqa: PLR2004 - three at the least
        raise ValueError(_FORM)
    given = dict(_option(option) for option in _OPTION.findall(options))
    if "cert-authority" in given:
        raise ValueError("cert-authority is not supported: list the keys themselves")
    namespaces = given.get("namespaces")
    if namespaces is not None and not any(fnmatchcase(_NAMESPACE, name) for name in namespaces.split(",")):
        return
    yield AllowedSigner(
        tuple(words[0].replace('"', "").split(",")),
        _fingerprint(words[2]),
        _time(given.get("valid-after")),
        _time(given.get("valid-before")),
    )


def _option(written: str) -> tuple[str, str]:
    name, _, value = written.partition("=")
    return name.lower(), value.strip('"')


def _fingerprint(key: str) -> str:
    try:
        blob = base64.b64decode(key, validate=True)
    except binascii.Error:
        raise ValueError(_FORM) from None
    return f"SHA256:{base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip('=')}"


def _time(written: str | None) -> datetime | None:
    """A time as ssh-keygen takes it: `YYYYMMDD[HHMM[SS]]` in the machine's zone, or with `Z` in UTC."""
    if written is None:
        return None
    match = _TIME.fullmatch(written)
    if match is None:
        raise ValueError(f"'{printable(written)}' is no time: expected YYYYMMDD[HHMM[SS]][Z]")
    day, minute, second, zone = match.groups(default="")
    moment = datetime.strptime(f"{day}{minute or '0000'}{second or '00'}", "%Y%m%d%H%M%S")  # noqa: DTZ007 - below
    return moment.replace(tzinfo=UTC) if zone else moment.astimezone()
