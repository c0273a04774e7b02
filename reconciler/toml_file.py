"""Reads a TOML file that anybody may have written, such as a configuration that came with a merge request.

The standard library's parser recurses, stumbles over numbers of any length, and takes quadratic time and
memory for a key of very many parts: the last is refused before, the others are mistakes like any other.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

from reconciler.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 256 * 1024
"""Bytes of a configuration file."""

_TEXT = re.compile(
    rb"\"{3}.*?(?:\"{3}|\Z)|'{3}.*?(?:'{3}|\Z)|\"(?:[^\"\\\n]++|\\.)*+\"?|'[^'\n]*+'?|#[^\n]*+", re.DOTALL
)
"""Texts and comments, where dots mean nothing; one that does not end is read once."""

_LONG_KEY = re.compile(rb"(?<![^\s.=\"'#,{}\[\]])(?:(?:\"\"|[^\s.=\"'#,{}\[\]]++)[ \t]*+\.[ \t]*+){16}")
"""More parts between dots than any key of this program has."""


def read_toml(file: Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        ConfigurationError: it cannot be read, is too large, or is not TOML; the message begins with the file.
    """
    data = _bytes(file)
    if _LONG_KEY.search(_TEXT.sub(b'""', data)):
        raise ConfigurationError(f"{file}: a key of more than 16 parts is no key of this program")
    try:
        return tomllib.loads(data.decode())
    except UnicodeDecodeError:
        raise ConfigurationError(f"{file}: not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file}: not valid TOML: {error}") from None
    except RecursionError:
        raise ConfigurationError(f"{file}: not valid TOML: nested too deeply") from None
    except (ValueError, OverflowError):
        raise ConfigurationError(f"{file}: not valid TOML: a number or a date that cannot be") from None


def _bytes(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise ConfigurationError(f"{str(file)!r}: is not the name of a file") from None
    if len(data) > LARGEST:
        raise ConfigurationError(
            f"{file}: larger than {LARGEST // 1024} KiB; a configuration is a page or two"
        )
    return data
