"""Real keys, made once, and commits that are signed with them by real programs."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.git_repository import git_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.git_repository import GitRepository

NAMES = ("ada", "bob", "eve")


@dataclass(frozen=True)
class SshKeys:
    """A folder with a key pair for each of `NAMES`; in the file of signers they are `NAME@example.org`."""

    folder: Path

    @classmethod
    def made(cls, folder: Path) -> SshKeys:
        """New keys; skips the test where there is no ssh-keygen."""
        if shutil.which("ssh-keygen") is None:
            pytest.skip("ssh-keygen is not installed")
        for name in NAMES:
            arguments = ("-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name))
            subprocess.run(["ssh-keygen", *arguments], check=True)
        return cls(folder)

    def public(self, name: str) -> str:
        """The key's type and the key itself."""
        return " ".join((self.folder / f"{name}.pub").read_text().split()[:2])

    def fingerprint(self, name: str) -> str:
        """As `ssh-keygen -l` prints it."""
        listed = ["ssh-keygen", "-l", "-f", str(self.folder / f"{name}.pub")]
        return subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split()[1]

    def allow(self, file: Path, **options: str) -> Path:
        """Writes a file in which these may sign, each with options such as `valid-before="20200101"`."""
        lines = (
            f"{name}@example.org {option} {self.public(name)}".replace("  ", " ")
            for name, option in options.items()
        )
        file.write_text("# who may sign\n" + "".join(f"{line}\n" for line in lines))
        return file

    def commit(
        self,
        repository: GitRepository,
        name: str | None,
        files: Mapping[str, str | None],
        *options: str,
    ) -> str:
        """Commits files, signed by one of them, or by nobody."""
        repository.write(files)
        repository.git("add", "--all")
        repository.git(*self.signed_by(name, "commit"), "-q", "--allow-empty", "-m", "Change", *options)
        return repository.git("rev-parse", "HEAD")

    def signed_by(self, name: str | None, command: str) -> tuple[str, ...]:
        """The beginning of a git command that signs."""
        if name is None:
            return (command, "--no-gpg-sign")
        key = f"user.signingKey={self.folder / name}.pub"
        return ("-c", "gpg.format=ssh", "-c", key, command, "-S")


@dataclass(frozen=True)
class PgpKey:
    """One OpenPGP key in a home of its own."""

    home: Path
    fingerprint: str

    @classmethod
    def made(cls, home: Path, user: str, *settings: str) -> Iterator[PgpKey]:
        """A new key, as long as the generator is open; skips the test where there is no GnuPG.

        Where there are settings of GnuPG's, such as another time, the key ends after a day.
        """
        if shutil.which("gpg") is None:
            pytest.skip("gpg is not installed")
        home.mkdir(mode=0o700)
        (home / "gpg.conf").write_text("".join(f"{setting}\n" for setting in settings))
        try:
            ends = "1d" if settings else "never"
            _gpg(home, "--passphrase", "", "--quick-gen-key", user, "ed25519", "sign", ends)
            lines = _gpg(home, "--with-colons", "--list-keys").splitlines()
            yield cls(home, next(line.split(":")[9] for line in lines if line.startswith("fpr")))
        finally:
            subprocess.run(
                ["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"], check=False, capture_output=True
            )

    def export(self, file: Path, *options: str) -> Path:
        """Writes the public key."""
        _gpg(self.home, "--yes", "--output", str(file), *options, "--export", self.fingerprint)
        return file

    def revoke(self) -> None:
        """Has the key revoked by the certificate that was made with it."""
        made = self.home / "openpgp-revocs.d" / f"{self.fingerprint}.rev"
        certificate = self.home / "revocation.asc"
        certificate.write_text(made.read_text().replace("\n:-----", "\n-----"))
        _gpg(self.home, "--import", str(certificate))

    def commit(self, repository: GitRepository) -> str:
        """Commits nothing, signed."""
        options = ("-q", "--allow-empty", "-m", "Change")
        environment = git_environment() | {"GNUPGHOME": str(self.home)}
        identity = ("-c", "user.name=Gil", "-c", "user.email=gil@example.org")
        signing = ("-c", "gpg.format=openpgp", "-c", f"user.signingKey={self.fingerprint}")
        command = ["git", *identity, *signing, "commit", "-S", *options]
        subprocess.run(command, cwd=repository.path, env=environment, check=True, capture_output=True)
        return repository.git("rev-parse", "HEAD")


def _gpg(home: Path, *arguments: str) -> str:
    environment = os.environ | {"GNUPGHOME": str(home), "LC_ALL": "C"}
    done = subprocess.run(
        ["gpg", "--batch", "--quiet", *arguments],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout
