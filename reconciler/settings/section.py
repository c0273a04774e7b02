"""What every table of the configuration has in common, and how a secret is given in one."""

from collections.abc import Iterable, Iterator
from inspect import get_annotations
from typing import Any, ClassVar, Literal, Self, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

_EMPTY = "is empty: give a value, or leave it out"


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

    def __init_subclass__(cls, **options: Any) -> None:  # noqa: ANN401 - as pydantic's own
        """Has each key judged by itself, so that all mistakes of a table are told at once.

        A literal judges itself; pydantic takes no such validator for one that tells which variant a table is.
        """
        super().__init_subclass__(**options)
        others: tuple[Any, ...] = (ClassVar, Literal)
        names = [name for name, kind in get_annotations(cls).items() if get_origin(kind) not in others]
        if names:
            judge = field_validator(*names, mode="before")(classmethod(_can_be_meant))
            setattr(cls, f"_can_be_meant_in_{cls.__name__}", judge)


def _can_be_meant(section: type[BaseModel], value: object, at: ValidationInfo) -> object:
    """Refuses what would be taken for something else.

    No file, host or secret has a NUL in it. An empty text, as of a variable that is not set, would be the
    current folder, or a secret that nobody asked for. A truth value would be the number 0 or 1.
    """
    key = at.field_name or ""
    kind = section.model_fields[key].annotation
    if isinstance(value, bool) and kind in (int, float):
        raise ValueError("expected a number")
    if isinstance(value, dict) and get_origin(kind) is not dict:
        return value  # a table, which judges its own keys
    faults = list(_faults(value))
    if key.endswith("_command"):  # a program may want an empty argument
        faults = [fault for fault in faults if fault[1] is not _EMPTY or fault[0] in ((), (0,))]
    if faults:
        raise mistakes(faults)
    return value


def _faults(value: object, loc: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What is wrong with the texts in a value, and where in it they are."""
    if isinstance(value, str):
        if "\0" in value:
            yield loc, "a NUL character cannot be in a text"
        if not value:
            yield loc, _EMPTY
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        if isinstance(value, dict) and any(_faults(key)):
            yield loc, "one of its keys is empty, or has a NUL character in it"
        yield from _faults(one, (*loc, key))


def mistakes(faults: Iterable[tuple[tuple[str | int, ...], str]]) -> ValidationError:
    """The error of a validator that is about keys, or elements, of what it judges."""
    return ValidationError.from_exception_data(
        "mistakes",
        [
            InitErrorDetails(
                type=PydanticCustomError("value_error", "{said}", {"said": said}), loc=loc, input=None
            )
            for loc, said in faults
        ],
    )


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
