"""What a question on the command line is about: one model."""

from __future__ import annotations

from reconciler.errors import ConfigurationError


def model_asked(text: str) -> tuple[str, str | None]:
    """`NAME` or `NAME@VERSION` as both; no version is any.

    Raises:
        ConfigurationError: there is no name; or no version after `@`, as when a script's variable is not set,
            which does not mean every version.
    """
    name, at, version = text.partition("@")
    if not name.strip() or (at and not version.strip()):
        raise ConfigurationError(f"'{text}': expected NAME or NAME@VERSION, such as mnist@1.0.0")
    return name, version or None
