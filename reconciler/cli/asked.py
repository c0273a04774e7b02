"""What a question on the command line is about: one model, and values that say something."""

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


def require_values(options: dict[str, str | None]) -> None:
    """Refuses an option that is given with nothing, as by a variable of a script that is not set.

    Args:
        options: by name, as it stands on the command line; None where it does not.

    Raises:
        ConfigurationError: a value is blank.
    """
    for option, value in options.items():
        if value is not None and not value.strip():
            raise ConfigurationError(f"{option}: its value is empty; give one, or leave the option out")
