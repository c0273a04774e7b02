"""How single values are written: durations, crontab lines, places in a repository, addresses, names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, WithJsonSchema

from reconciler.errors import ConfigurationError
from reconciler.network import is_address, is_loopback
from reconciler.phrases import did_you_mean, listed
from reconciler.settings.secret_texts import page_tokens_of
from reconciler.text_form import Form

_FIELDS = {
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day-of-month": "1 to 31, and no day that never comes",
    "month": "1 to 12, or jan to dec",
    "day-of-week": "0 to 7, or sun to sat",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def crontab_line(line: str) -> str:
    """The line, once it is certain that it is one and that it fires.

    Raises:
        ValueError: it is not a crontab line, or describes a day that never comes.
    """
    from cronsim import CronSim, CronSimError  # noqa: PLC0415 - few configurations have one

    number = len(line.split())
    if number != len(_FIELDS):
        raise ValueError(f"{line!r} has {number} fields, expected five: {', '.join(_FIELDS)}")
    try:
        first = next(CronSim(in_numbers(line), datetime.now(UTC)), None)
    except CronSimError as error:
        raise ValueError(f"{line!r}: {_explained(str(error))}") from None
    if first is None:
        raise ValueError(f"{line!r} describes a day that never comes")
    return line


def in_numbers(line: str) -> str:
    """The same in numbers: cronsim reads some names, and a range of one with a step, otherwise than cron."""
    *before, month, weekday = line.lower().split()
    weekday = re.sub(r"(?<!\bsun)(?<!\b0)-sun\b", "-7", weekday)  # a range that ends with Sunday
    for number, name in enumerate(_MONTHS, 1):
        month = re.sub(rf"\b{name}\b", str(number), month)
    for number, name in enumerate(_DAYS):
        weekday = re.sub(rf"\b{name}\b", str(number), weekday)
    return re.sub(r"(?<![\w-])(\d+)-\1/[1-9]\d*(?!\w)", r"\1", " ".join((*before, month, weekday)))


def _explained(message: str) -> str:
    """Cronsim's word, such as `Bad minute`, with what the field may hold."""
    field = message.removeprefix("Bad ")
    return f"bad {field}: expected {_FIELDS[field]}" if field in _FIELDS else message


_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_NUMBER, _UNIT = r"[0-9]+(?:\.[0-9]+)?", "ms|[smhd]"
_LONGEST = 10 * 365 * 86400  # seconds
_LARGEST_PORT = 65535
_KEY_WORDS = """
host hostaddr port dbname user password passfile require_auth channel_binding connect_timeout client_encoding
options application_name fallback_application_name keepalives keepalives_idle keepalives_interval
keepalives_count tcp_user_timeout gssencmode krbsrvname gsslib gssdelegation service requirepeer sslmode
sslnegotiation sslcompression sslcert sslkey sslpassword sslcertmode sslrootcert sslcrl sslcrldir sslsni
ssl_min_protocol_version ssl_max_protocol_version target_session_attrs load_balance_hosts
"""
_LIBPQ = frozenset(_KEY_WORDS.split())
"""Parameter key words of libpq (PostgreSQL's documentation, "Database Connection Control Functions")."""
_STATE_SCHEMES = ("sqlite:///", "postgresql://", "postgresql+psycopg://")


def _duration(value: object) -> timedelta:
    """Reads `30s`, `1h30m`, `250ms`, or a number of seconds."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _seconds(value)
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError("expected a duration such as 30s, 5m or 1h30m")  # noqa: TRY004 - pydantic's way
    if re.fullmatch(_NUMBER, value):
        return _seconds(float(value))
    parts = re.findall(rf"({_NUMBER})({_UNIT})", value)
    if not parts or "".join(number + unit for number, unit in parts) != value:
        raise ValueError("expected a duration such as 30s, 5m or 1h30m")
    return _seconds(sum(float(number) * _UNITS[unit] for number, unit in parts))


def _seconds(number: float) -> timedelta:
    if not 0 <= number <= _LONGEST:
        raise ValueError("expected a duration between 0s and ten years")
    return timedelta(seconds=number)


def _relative(value: str) -> str:
    """A directory inside the repository, without `..` and without a slash at either end."""
    parts = [part for part in value.split("/") if part not in ("", ".")]
    if value.startswith("/") or ".." in parts or not parts:
        raise ValueError("expected a directory inside the repository, such as models.d/prod")
    return "/".join(parts)


def _state_url(value: str) -> str:
    """A URL of a database the state room can use; it may carry a password, so it is never repeated."""
    if not value.startswith(_STATE_SCHEMES) or value in _STATE_SCHEMES:
        raise ValueError("expected sqlite:///path/to/state.db or postgresql+psycopg://user@host/database")
    if value.endswith("/:memory:"):
        raise ValueError("a state in memory is none: name a file, such as sqlite:///.reconciler/state.db")
    options = parse_qs(urlsplit(value).query, keep_blank_values=True)
    if options and value.startswith("sqlite:"):
        raise ValueError("a SQLite file takes no options: remove what stands after the ?")
    for key in options:
        if key not in _LIBPQ:
            raise ValueError(f"an option of {len(key)} characters is no connection parameter of PostgreSQL's")
    return value


def _address(value: str) -> str:
    host, colon, port = value.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > _LARGEST_PORT or "/" in host:
        raise ValueError("expected HOST:PORT, such as 0.0.0.0:8321")
    return value


def _endpoint(value: str) -> str:
    """The base of an API; what else the client wants of it, and says of it, is the client's."""
    try:
        parts = urlsplit(value.strip())
        host = parts.hostname
    except ValueError:
        host = None
    if host and "@" in parts.netloc:
        raise ValueError("carries credentials: remove what stands before the @")
    if not host or parts.scheme not in ("http", "https"):
        raise ValueError("is not the base of an API: write https://host")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError("would send credentials unencrypted: write https (http is for loopback)")
    return value


@dataclass(frozen=True)
class _Link:
    """The template of a link: an address of a web server with placeholders, one of which it has to have."""

    needed: str
    placeholders: tuple[str, ...]
    example: str

    def __call__(self, value: str) -> str:
        try:
            parts = urlsplit(value)
            is_address_of_web = parts.scheme in ("http", "https") and bool(parts.hostname)
        except ValueError:
            is_address_of_web = False
        if len(value.split()) > 1:
            raise ValueError(f"has a blank: write %20 in its place, or take it out: {self.example}")
        if not is_address_of_web:
            raise ValueError(f"is no address of a web page: write it like {self.example}")
        if "@" in parts.netloc:
            raise ValueError("carries credentials, and pages show it: remove what stands before the @")
        names = re.findall(r"\{([^{}]*)\}", value)
        for name in names:
            if name not in self.placeholders:
                there = listed(f"{{{one}}}" for one in self.placeholders)
                hint = did_you_mean(name, self.placeholders)
                raise ValueError(f"a placeholder in it is unknown{hint}; what is replaced is {there}")
        if self.needed not in names:
            raise ValueError(f"{{{self.needed}}} is missing in it: write it like {self.example}")
        return value

    def for_editors(self) -> WithJsonSchema:
        """What of this a pattern can tell."""
        others = rf"(?!.*\{{(?!({'|'.join(self.placeholders)})\}})[^{{}}]*\}})"
        web = r"\s*[Hh][Tt][Tt][Pp][Ss]?://[^\s/?#@]+([/?#]\S*)?\s*"
        pattern = rf"^{others}(?=.*\{{{self.needed}\}}){web}$"
        return WithJsonSchema({"type": "string", "pattern": pattern, "examples": [self.example]})


_HOST_NAME = re.compile(r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


def _host(value: str) -> str:
    """A name that the `Host` of a request can be."""
    if value != "*" and not is_address(value) and not _HOST_NAME.fullmatch(value):
        raise ValueError(
            "expected a name or an address without scheme, brackets, port and path: models.example.com, "
            "::1, *.example.com for all below it, or * for every name; not ASCII is written xn--…"
        )
    return value


def _repository(value: str) -> str:
    """A folder, or a URL that git may be given; where it leads is looked at when it is opened."""
    if ":" in value or value.startswith("-"):
        from reconciler.remote import parse_remote  # noqa: PLC0415 - most repositories are folders

        try:
            parse_remote(value)
        except ConfigurationError as error:
            raise ValueError(str(error)) from None
    return value


def _push_url(value: SecretStr | None) -> SecretStr | None:
    if value is None:
        return None
    from reconciler.remote import require_remote  # noqa: PLC0415 - few configurations have one

    try:
        require_remote(value.get_secret_value().strip())
    except ConfigurationError as error:
        raise ValueError(str(error)) from None
    return value


def _page_tokens(value: SecretStr | None) -> SecretStr | None:
    if value is not None:
        page_tokens_of(value.get_secret_value())
    return value


def _longer_than_nothing(value: timedelta) -> timedelta:
    if not value:
        raise ValueError("expected a duration longer than 0s")
    return value


def _for_editors(text: str, **limit: int) -> WithJsonSchema:
    """How a duration is written, in JSON Schema, with no more digits than one of ten years has."""
    parts = [rf"0*[0-9]{{1,{_digits(unit)}}}(\.[0-9]+)?{unit}" for unit in _UNITS]
    pattern = rf"^{text}(0*[0-9]{{1,{_digits('s')}}}(\.[0-9]+)?|({'|'.join(parts)})+)$"
    forms = [{"type": "string", "pattern": pattern}, {"type": "number", "maximum": _LONGEST, **limit}]
    return WithJsonSchema({"anyOf": forms, "examples": ["30s", "1h30m", "250ms"]})


def _digits(unit: str) -> int:
    """Of the largest whole number in this unit that a duration may have."""
    return len(str(round(_LONGEST / _UNITS[unit])))


Duration = Annotated[timedelta, BeforeValidator(_duration), _for_editors("", minimum=0)]
Interval = Annotated[
    timedelta,
    BeforeValidator(_duration),
    AfterValidator(_longer_than_nothing),
    _for_editors("(?=.*[1-9])", exclusiveMinimum=0),
]
RepositoryPath = Annotated[str, AfterValidator(_relative), Field(examples=["models.d", "models.d/prod"])]
HeldVerdict = Literal["failed", "drifted", "conflict", "invalid", "missing", "refused"]
TargetName = Annotated[
    str, Form(r"^\w[\w.-]{0,63}$", "a name of up to 64 letters, digits, _, - and ., such as prod-1")
]
ProjectId = Annotated[
    str,
    Form(
        r"^[A-Za-z0-9_-]{1,64}$",
        "the id of a project, up to 64 letters, digits, _ and -, such as 0123456789abcdef0123456789abcdef",
    ),
]
CommitId = Annotated[
    str,
    Form(
        r"^([0-9a-f]{40}|[0-9a-f]{64})$",
        "the whole id of a commit, 40 or 64 of 0 to 9 and a to f, as `git rev-parse COMMIT` prints it",
    ),
]
NotesRef = Annotated[
    str,
    Form(
        r"^refs/notes/[\w][\w.-]*$",
        "refs/notes/ and a name of letters, digits, _, - and ., such as refs/notes/reconciler",
    ),
]
StateUrl = Annotated[
    str,
    AfterValidator(_state_url),
    Field(
        examples=[
            "sqlite:///.reconciler/state.db",
            "postgresql+psycopg://reconciler@db.example.org/reconciler",
        ]
    ),
]
Repository = Annotated[str, AfterValidator(_repository)]
PushUrl = Annotated[SecretStr | None, AfterValidator(_push_url)]
PageTokens = Annotated[SecretStr | None, AfterValidator(_page_tokens)]
Endpoint = Annotated[str, AfterValidator(_endpoint)]
_COMMIT_LINK = _Link("commit", ("commit",), "https://git.example.com/models/commit/{commit}")
_FILE_LINK = _Link(
    "path", ("commit", "path", "line"), "https://git.example.com/models/blob/{commit}/{path}#L{line}"
)
CommitUrl = Annotated[str, AfterValidator(_COMMIT_LINK), _COMMIT_LINK.for_editors()]
FileUrl = Annotated[str, AfterValidator(_FILE_LINK), _FILE_LINK.for_editors()]
_HOST_OR_ADDRESS = rf"^(\*|{_HOST_NAME.pattern}|[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(%.+)?)$"
HostName = Annotated[
    str,
    AfterValidator(_host),
    Field(examples=["models.example.com", "*.example.com"], json_schema_extra={"pattern": _HOST_OR_ADDRESS}),
]
Crontab = Annotated[str, AfterValidator(crontab_line), Field(examples=["*/5 * * * *"])]
Address = Annotated[str, AfterValidator(_address), Field(examples=["127.0.0.1:8321"])]
