"""What every table of the configuration has in common, and how a secret is given in one."""

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


def _is_number(section: type[BaseModel], key: str) -> bool:
    field = section.model_fields.get(key)
    return field is not None and field.annotation in (int, float)


def table(description: str) -> Any:  # noqa: ANN401 - as pydantic's own `Field`
    """A field that is a table: one that is left out is checked as an empty one is."""
    return Field(default_factory=dict, validate_default=True, description=description)


class Section(BaseModel):
    """One table: frozen, without unknown keys, and silent about the values it holds."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        validate_default=True,
        defer_build=True,  # what checks all tables is made once, with `Settings`
    )

    @model_validator(mode="before")
    @classmethod
    def _can_be_meant(cls, values: object) -> object:
        """Refuses what would be taken for something else.

        No file, host or secret has a NUL in it. An empty text, as of a variable that is not set, would be the
        current folder, or a secret that nobody asked for. A truth value would be the number 0 or 1.
        """
        for key, value in values.items() if isinstance(values, dict) else ():
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, str) and "\0" in one:
                    raise ValueError(f"{key}: a NUL character cannot be in a text")
                if one == "" and not key.endswith("_command"):  # a program may want an empty argument
                    raise ValueError(f"{key}: is empty: give a value, or leave the key out")
            if isinstance(value, bool) and _is_number(cls, key):
                raise ValueError(f"{key}: expected a number")
        return values


class Credentials(Section):
    """A secret `x` is given in exactly one way: as x, x_file, x_env or x_command.

    Attributes:
        required: the secrets that it cannot do without.
    """

    required: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="after")
    def _one_way_each(self) -> Self:
        for name in secret_names(type(self)):
            possible = [
                name + way
                for way in ("_file", "_env", "_command", "")
                if name + way in type(self).model_fields
            ]
            ways = [way for way in sorted(possible) if getattr(self, way)]
            if len(ways) > 1:
                raise ValueError(f"give {name} in one way only, not as {' and '.join(ways)}")
            if not ways and name in self.required:
                raise ValueError(f"{name} is missing: give {', '.join(possible[:-1])} or {name}")
        return self


def itself(what: str) -> Any:  # noqa: ANN401 - a field's default, whatever its type
    """The field of a secret that stands in the file."""
    return Field(None, description=f"{what} itself; better in one of the other ways.")


def in_file(what: str) -> Any:  # noqa: ANN401
    """The field of one that stands in another file."""
    return Field(None, description=f"{what} in a file of its own, relative to this one.")


def in_variable(what: str) -> Any:  # noqa: ANN401
    """The field of one that the environment holds."""
    return Field(None, description=f"{what} in this variable of the environment.")


def printed(what: str) -> Any:  # noqa: ANN401
    """The field of one that a program prints."""
    return Field(None, description=f"{what} as this program prints it; no shell.")


def secret_names(model: type[BaseModel]) -> list[str]:
    """The secrets of a section, each of which is given in one of its ways."""
    return [name.removesuffix("_file") for name in model.model_fields if name.endswith("_file")]
