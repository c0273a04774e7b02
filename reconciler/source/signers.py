"""Who may sign: where the keys are, the file of allowed ssh signers, and a keyring of OpenPGP keys.

That file is read as `ssh-keygen` does (ALLOWED SIGNERS in ssh-keygen(1)). git judges a key's time by the
committer's date, which whoever commits can choose. So the times are read here as well, to be held against the
moment at which a commit was first seen.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from reconciler.errors import ConfigurationError
from reconciler.printable import printable
from reconciler.times import read_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")

_NAMESPACE = "git"
_WORD = re.compile(r'(?:[^\s"]|"[^"]*")+')
_OPTION = re.compile(r'(?:[^,"]|"[^"]*")+')
_KEY_TYPE = re.compile(r"(?:sk-)?(?:ssh|ecdsa)-[\w@.-]+")
_TIME = re.compile(r"(\d{8})(\d{4})?(\d{2})?(Z)?")
_FORM = "expected `principals [options] key-type key`"


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """Where the keys are; absolute paths, all outside the repository.

    Attributes:
        allowed_signers: ssh keys.
        revoked_signers: ssh keys that count for nothing: a KRL, or public keys, one a line.
        gpg_keyring: OpenPGP keys.
    """

    allowed_signers: Path | None = None
    revoked_signers: Path | None = None
    gpg_keyring: Path | None = None

    @property
    def given(self) -> dict[str, Path]:
        """Those that are configured, by the names of their settings."""
        named = {name: getattr(self, name) for name in ("allowed_signers", "revoked_signers", "gpg_keyring")}
        return {name: file for name, file in named.items() if file is not None}

    @property
    def kinds(self) -> str:
        """Which keys a signature may be made with, in words."""
        ssh, pgp = self.allowed_signers is not None, self.gpg_keyring is not None
        return "an ssh or OpenPGP key" if ssh and pgp else "an ssh key" if ssh else "an OpenPGP key"

    def stamp(self) -> tuple[tuple[int, int, int], ...]:
        """Another one whenever a file is another. Raises ConfigurationError."""
        states = [_asked(name, file, Path.stat) for name, file in self.given.items()]
        return tuple((s.st_ino, s.st_size, s.st_mtime_ns) for s in states)

    def fingerprint(self) -> str:
        """Names what the files say: 32 hex digits. Raises ConfigurationError."""
        contents = {name: _asked(name, file, Path.read_bytes) for name, file in self.given.items()}
        facts = [f"{name} {hashlib.sha256(content).hexdigest()}" for name, content in contents.items()]
        return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:32]


def _asked(name: str, file: Path, ask: Callable[[Path], T]) -> T:
    """What a file is asked for. Raises ConfigurationError where it cannot be read."""
    try:
        return ask(file)
    except OSError as error:
        where = printable(str(file))
        raise ConfigurationError(f"source.verify.{name}: {where} cannot be read: {error.strerror}") from error


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


# --- OpenPGP keys, in a home of GnuPG's made for them: no other keys or settings count ------------------

_SETTINGS = """batch
no-tty
no-autostart
no-auto-key-retrieve
no-auto-key-locate
no-auto-check-trustdb
disable-dirmngr
"""
_PRIMARY = "pub"
_KEYS = frozenset({_PRIMARY, "sub"})
_NEVER = datetime.max.replace(tzinfo=UTC)
_TIMEOUT = 60  # seconds for GnuPG to read a keyring
_VALIDITY, _END, _FINGERPRINT = 1, 6, 9  # fields of GnuPG's lines with colons (doc/DETAILS)


class Keyring:
    """The keys of one file, for as long as it is open.

    Attributes:
        home: what `GNUPGHOME` has to be.
        program: GnuPG's.
        ends: when each key ends, by its fingerprint; those that do not, and revoked ones, are left out.
    """

    def __init__(self, file: Path) -> None:
        """Imports the keys of a file, armoured or not, as `gpg --export` writes it.

        Raises:
            ConfigurationError: there is no GnuPG, or no key that it could read.
        """
        program = shutil.which("gpg")
        if program is None:
            raise ConfigurationError("source.verify.gpg_keyring: gpg is not on PATH; install GnuPG")
        self.program = program
        self.home = Path(tempfile.mkdtemp(prefix="reconciler-gpg-"))
        try:
            (self.home / "gpg.conf").write_text(_SETTINGS, "ascii")
            self._gpg("--import", str(file.absolute()))
            keys, self.ends = _keys_in(self._gpg("--with-colons", "--list-keys"))
            # what is in the file is trusted: without this, git says of a good signature that it may not be
            self._gpg("--import-ownertrust", fed="".join(f"{key}:6:\n" for key in keys))
            self._gpg("--check-trustdb")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Removes the home; safe to call twice."""
        shutil.rmtree(self.home, ignore_errors=True)

    def _gpg(self, *arguments: str, fed: str = "") -> str:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GPG")}
        try:
            done = subprocess.run(  # noqa: S603 - fixed words, and a path of the configuration's
                [self.program, "--quiet", "--homedir", str(self.home), *arguments],
                env=environment | {"LC_ALL": "C"},
                input=fed.encode("ascii"),
                capture_output=True,
                timeout=_TIMEOUT,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ConfigurationError("source.verify.gpg_keyring: gpg could not be run") from error
        if done.returncode:
            message = printable(done.stderr.decode(errors="replace").strip().replace("\n", "; "))
            raise ConfigurationError(f"source.verify.gpg_keyring: gpg could not read it: {message}")
        return done.stdout.decode(errors="replace")


def _keys_in(listed: str) -> tuple[list[str], dict[str, datetime]]:
    """The fingerprints of the primary keys in GnuPG's list; and when each key, primary or not, ends."""
    primary: list[str] = []
    ends: dict[str, datetime] = {}
    kind = ""
    of_primary = of_key = _NEVER
    is_revoked = False
    for line in listed.splitlines():
        fields = line.split(":")
        if fields[0] in _KEYS:
            kind = fields[0]
            end = _moment(fields[_END]) if fields[_END] else _NEVER
            of_primary = end if kind == _PRIMARY else of_primary
            # of a key that has ended and is revoked, GnuPG says with a signature only that it has ended
            is_revoked = fields[_VALIDITY] == "r" or (is_revoked and kind != _PRIMARY)
            of_key = _NEVER if is_revoked else min(end, of_primary)
        elif fields[0] == "fpr":
            if kind == _PRIMARY:
                primary.append(fields[_FINGERPRINT])
            if of_key != _NEVER:
                ends[fields[_FINGERPRINT]] = of_key
    return primary, ends


def _moment(text: str) -> datetime:
    """A date of GnuPG's: seconds since 1970 UTC, or ISO 8601 without separators."""
    if text.isdigit():
        return datetime.fromtimestamp(int(text), UTC)
    return read_time(text, UTC)
