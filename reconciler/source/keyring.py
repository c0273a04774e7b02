"""OpenPGP keys that may sign, in a home of GnuPG's made for them: no other keys or settings count."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from reconciler.errors import ConfigurationError
from reconciler.printable import printable

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
                [self.program, "--homedir", str(self.home), *arguments],
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
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
