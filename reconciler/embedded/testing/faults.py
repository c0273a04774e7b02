"""How a registry is told to misbehave: a seed and a list of rules, as values and as a TOML file.

    seed = 7
    visible_after = 1.5          # seconds until a new model shows in lists
    accept_duplicates = true     # a taken name and version is no obstacle

    [[rules]]
    method = "POST"
    name = "mnist*"
    skip = 1
    times = 2
    action = "drop"
    moment = "after"

Each rule counts the calls it matches, passes over the first `skip` and acts on the next `times`. Of several
rules that would act on one call, those that meddle all do, and the first of the others does.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from reconciler.errors import ConfigurationError
from reconciler.redaction import shown_key
from reconciler.toml_file import read_toml
from reconciler.toml_lines import key_lines, placed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from reconciler.toml_lines import KeyPath

Seconds = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]
Moment = Literal["before", "after"]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class _FaultRule(_Strict):
    """Which calls a rule is about.

    Attributes:
        method: such as `POST`; None for any.
        path: shell-style pattern of the path.
        name: shell-style pattern of the model name that the body or the query speaks of; None for any call.
        skip: how many matching calls are let through first.
        times: how many are acted upon after that; None for all.
        probability: of acting on a call that is due, drawn from the script's seed.
    """

    method: str | None = None
    path: str = "*"
    name: str | None = None
    skip: int = Field(0, ge=0)
    times: int | None = Field(None, ge=1)
    probability: float = Field(1.0, gt=0, le=1)


class Drop(_FaultRule):
    """Ends the connection, before the call is carried out or after it, in place of an answer."""

    action: Literal["drop"]
    moment: Moment = "after"


class Reply(_FaultRule):
    """Answers with a status of its own, before the call is carried out or in place of the true answer.

    Attributes:
        code: the vendor's error code, in the vendor's envelope; None answers with a gateway's page.
        retry_after: seconds or a date, as it stands in the header; None sends none.
    """

    action: Literal["reply"]
    status: int = Field(ge=400, le=599)
    moment: Moment = "after"
    code: str | None = None
    retry_after: str | None = None


class Slow(_FaultRule):
    """Carries the call out at once and answers late: the whole answer, or its body byte by byte.

    Attributes:
        seconds: until the head, or for the whole body.
    """

    action: Literal["slow"]
    part: Literal["head", "body"] = "head"
    seconds: Seconds


class Late(_FaultRule):
    """Ends the connection at once, and carries the call out later, as a queue in between may.

    Attributes:
        seconds: until then.
    """

    action: Literal["late"]
    seconds: Seconds


class Corrupt(_FaultRule):
    """Carries the call out and spoils the answer's body.

    Attributes:
        how: `cut` ends the connection half-way; `truncated` is a whole answer with half the JSON;
            `malformed` is not JSON; `html` is a proxy's page with status 200.
    """

    action: Literal["spoil"]
    how: Literal["cut", "truncated", "malformed", "html"]


class ExpireTokens(_FaultRule):
    """Lets every token issued so far expire just before the call."""

    action: Literal["expire-tokens"]


class Meddle(_FaultRule):
    """Somebody else acts on models just before the call.

    Attributes:
        how: `delete` them, `change` their description, or `move` them to the end of every list.
        models: shell-style pattern of their names.
        most: how many of them, oldest first; None for all.
    """

    action: Literal["meddle"]
    how: Literal["delete", "change", "move"]
    models: str = "*"
    most: int | None = Field(None, ge=1)


Answering = Drop | Reply | Slow | Late | Corrupt
Rule = Annotated[Answering | ExpireTokens | Meddle, Field(discriminator="action")]


class Faults(_Strict):
    """Everything a registry does wrong.

    Attributes:
        seed: of the one generator that every rule's probability is drawn from.
        visible_after: seconds until a new model shows in lists; by its id it is found at once.
        accept_duplicates: register a name and version that are taken a second time; the database gives that
            promise up for good.
        rules: tried in this order.
    """

    seed: int = 0
    visible_after: Seconds = 0.0
    accept_duplicates: bool = False
    rules: tuple[Rule, ...] = ()

    @model_validator(mode="after")
    def _does_something(self) -> Faults:
        if self == Faults.model_construct(seed=self.seed):
            raise ValueError("nothing goes wrong here: add [[rules]], visible_after or accept_duplicates")
        return self


def load_faults(path: Path) -> Faults:
    """Reads a script of faults.

    Raises:
        ConfigurationError: the file cannot be read or is not such a script; every mistake with file and key.
    """
    try:
        return Faults.model_validate(read_toml(path))
    except ValidationError as error:
        raise mistakes(error, path, keys=_keys) from None


def _keys(location: KeyPath) -> KeyPath:
    """The keys of the file: pydantic puts the action of a rule, by which it chose, after its number."""
    return (*location[:2], *location[3:]) if location[:1] == ("rules",) else location


def mistakes(
    error: ValidationError,
    file: Path,
    *,
    keys: Callable[[KeyPath], KeyPath] = tuple,
    said: Callable[[Mapping[str, Any]], str] = itemgetter("msg"),
) -> ConfigurationError:
    """Every mistake in a TOML file, one a line: where it stands, by which keys, and what is wrong with it.

    Args:
        error: what pydantic found; no value is repeated.
        file: the file.
        keys: the keys of the file for a place of pydantic's.
        said: the words for one mistake.
    """
    lines = key_lines(file)
    return ConfigurationError(
        "\n".join(
            f"{placed(file, lines, keys(fault['loc']))}: {_place(fault['loc'])}{said(fault)}"
            for fault in error.errors(include_input=False, include_url=False)
        )
    )


def _place(location: KeyPath) -> str:
    """`rules[1].status: ` for where a mistake stands; the elements of a list are counted from 1."""
    parts = [f"[{part + 1}]" if isinstance(part, int) else f".{shown_key(part)}" for part in location]
    shown = "".join(parts).removeprefix(".")
    return f"{shown}: " if shown else ""
