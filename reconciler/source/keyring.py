"""OpenPGP keys that may sign, in a home of GnuPG's made for them: no other keys or settings count."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
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
_PATIENCE = 60  # seconds for GnuPG to read a keyring
_FINGERPRINT = 9  # the field of GnuPG's lines with colons (doc/DETAILS)


class Keyring:
    """The keys of one file, for as long as it is open.

    Attributes:
        home: what `GNUPGHOME` has to be.
        program: GnuPG's.
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
            keys = self._primary_keys()
            # what is in the file is trusted: without this, git says of a good signature that it may not be
            self._gpg("--import-ownertrust", fed="".join(f"{key}:6:\n" for key in keys))
            self._gpg("--check-trustdb")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Removes the home; safe to call twice."""
        shutil.rmtree(self.home, ignore_errors=True)

    def _primary_keys(self) -> list[str]:
        """The fingerprint that follows each primary key in GnuPG's list."""
        keys, is_primary = [], False
        for line in self._gpg("--with-colons", "--list-keys").splitlines():
            kind, *fields = line.split(":")
            if kind == "pub":
                is_primary = True
            elif kind == "fpr" and is_primary:
                keys.append(fields[_FINGERPRINT - 1])
                is_primary = False
        return keys

    def _gpg(self, *arguments: str, fed: str = "") -> str:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GPG")}
        try:
            done = subprocess.run(  # noqa: S603 - fixed words, and a path of the configuration's
                [self.program, "--homedir", str(self.home), *arguments],
                env=environment | {"LC_ALL": "C"},
                input=fed.encode("ascii"),
                capture_output=True,
                timeout=_PATIENCE,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ConfigurationError("source.verify.gpg_keyring: gpg could not be run") from error
        if done.returncode:
            message = printable(done.stderr.decode(errors="replace").strip().replace("\n", "; "))
            raise ConfigurationError(f"source.verify.gpg_keyring: gpg could not read it: {message}")
        return done.stdout.decode(errors="replace")
