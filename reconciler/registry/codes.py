"""What each of the vendor's error codes means for a reconciler: one table, and the code decides by it.

Pure data. The code is asked first and the HTTP status second, because several of the vendor's permanent
errors are HTTP 500 and some of its temporary ones are HTTP 400. The codes are those of the vendor's
error-code tables (editions 2019, 2021 and 2025) and of its API gateway.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Action(StrEnum):
    """What to do about an answer."""

    REJECT = "reject"  # certainly not made, and never will be as it stands: hold this one model
    EXISTS = "exists"  # the pair is taken: compare, then adopt or report
    WAIT = "wait"  # certainly not made: repeat after a pause
    LATER = "later"  # certainly not made: another attempt at a later cycle
    RENEW = "renew"  # the token expired: renew it once and repeat
    STOP_TARGET = "stop-target"  # credentials or permission refused: stop the target, never repeat
    WRONG_ENDPOINT = "wrong-endpoint"  # this is not the API that was meant: stop the target
    RECONCILE = "reconcile"  # a write may have been executed: observe before doing anything else
    NOT_FOUND = "not-found"  # no such model
    BY_STATUS = "by-status"  # the code is used for several things: the HTTP status decides


@dataclass(frozen=True, slots=True)
class ErrorRule:
    """What one code, or one status, leads to.

    Attributes:
        action: what to do.
        meaning: what it says, in a clause for people.
        remedy: what a person can do, in a clause; empty where nothing is needed.
    """

    action: Action
    meaning: str
    remedy: str = ""


_R, _E, _W, _L = Action.REJECT, Action.EXISTS, Action.WAIT, Action.LATER
_S, _U = Action.STOP_TARGET, Action.RECONCILE

_FIELD = "correct the field that the message names"
_CONFIG = "correct initial_config, or config.json beside the model"
_TEMPLATE = "compare `template` with GET /models/template"
_QUOTA = "delete models that are no longer used, or ask for a larger quota"
_SOURCE = "check source_location: bucket, region and path, as https://<bucket>.obs.<region>.<domain>/<path>"
_TOKEN = "check the token, or how it is obtained"  # noqa: S105 - advice
_PROJECT = "check project_id of the target, and that the credentials are scoped to that project"
_PERMISSION = (
    "grant modelarts:model:create, :list, :get and :delete to this user, and the agency to ModelArts"
)
_BUSY = "nothing to do: it is repeated after a pause"
_SETTLE = "nothing to do: it is settled by looking at the registry"
ASK_AGAIN = "a loop asks again by itself; a command has to be run again later"
"""What to do about a read whose answer says nothing: no import is in doubt, so there is nothing to settle."""

_WORKSPACE = "check workspace_id of the target and of the manifest"
_ID = "check the credentials: access key, secret key, security token, and that they belong together"
_CLOCK = f"{_ID}; check this machine's clock (± 15 min)"
_ENDPOINT = "check endpoint and project_id of the target"


def _rules(family: str, rows: Iterable[tuple[str, Action, str, str]]) -> dict[str, ErrorRule]:
    return {f"{family}.{code}": ErrorRule(action, meaning, remedy) for code, action, meaning, remedy in rows}


_MODELARTS = _rules("ModelArts", [
    ("0010", _U, "internal error", _SETTLE),
    ("0101", _R, "an argument is invalid", _FIELD),
    ("0103", _E, "a model of this name and version exists", ""),
    ("0104", _R, "a parameter is wrong", _FIELD),
    ("0106", _R, "too many resources", _QUOTA),
    ("0107", _R, "values of parameters are invalid", _FIELD),
    ("0108", _S, "not authorised", _PERMISSION),
    ("0112", _R, "the workspace's policy forbids it", _WORKSPACE),
    ("0113", _R, "the workspace's quota is used up", _QUOTA),
    ("0114", _W, "requests come too often", _BUSY),
    ("0116", _R, "the quota is exceeded", _QUOTA),
    ("0118", _R, "the quota is not sufficient", _QUOTA),
    ("0201", _S, "the token is missing", _TOKEN),
    ("0202", Action.RENEW, "the token has expired", _TOKEN),
    ("0203", _S, "the token, or the access key, is not valid", _ID),
    ("0204", _S, "the token names no project", _PROJECT),
    ("0206", _S, "the project does not match the credentials", _PROJECT),
    ("0207", _S, "the token is incomplete", _TOKEN),
    ("0210", _S, "the project id is not valid", _PROJECT),
    ("0212", _S, "the credentials are not accepted", _ID),
    *(
        (f"{number:04}", _R, "the OBS path, bucket, region or permission is not usable", _SOURCE)
        for number in range(404, 416)
    ),
    ("3001", Action.NOT_FOUND, "there is no such model", ""),
    ("3002", _E, "a model of this name and version exists", ""),
    ("3006", _U, "publishing failed", _SETTLE),
    ("3008", _R, "the model is shared", "end the sharing first"),
    ("3009", _R, "a service uses the model", "delete the services that use it first"),
    ("3010", _R, "copying is not allowed", "use a source that this account may copy"),
    ("3015", _R, "the model configuration does not conform", _CONFIG),
    ("3016", _R, "the model configuration has unsupported fields, types or formats", _CONFIG),
    ("3017", _R, "source_location does not conform", _SOURCE),
    ("3019", _R, "the template's input or output mode does not exist", _TEMPLATE),
    ("3021", _R, "the template does not exist", _TEMPLATE),
    ("3022", _R, "the template exists", _TEMPLATE),
    ("3023", _R, "a label is not valid", _FIELD),
    ("3024", _R, "the template's inputs do not match the template", _TEMPLATE),
    ("3028", _R, "an input and output mode must be chosen", _TEMPLATE),
    ("3029", _R, "the template's id is missing", _TEMPLATE),
    ("3030", _R, "the template's input and output mode cannot be overridden", _TEMPLATE),
    ("3034", _R, "`template` is missing", _TEMPLATE),
    ("3036", _R, "a required parameter is missing", _FIELD),
    ("3037", _R, "a parameter's value is invalid", _FIELD),
    ("3039", _R, "an input_id is given twice", _TEMPLATE),
    ("3040", _R, "a yum or apt-get package with a version takes restraint EXACT only", _FIELD),
    ("3041", _R, "a package with a version needs restraint EXACT, ATLEAST or ATMOST", _FIELD),
    ("3043", _R, "the user may not set the object's ACL", "grant obs:object:PutObjectAcl to this user"),
    ("3044", _R, "the model's files are too large", "make the model smaller, or import it as an image"),
    ("3045", _R, "a parameter is null", _FIELD),
    ("3053", _R, "this model_type is not supported here", "use a model_type that this region supports"),
    ("3065", _L, "the model's image is being built", "nothing to do: it is tried again later"),
    ("3071", _R, "the subscription does not exist", "check the subscription"),
    ("3074", _R, "a subscribed model cannot be deleted", "end the subscription instead"),
    ("3075", _R, "a subscription model takes no new version", "choose another model_name"),
    ("3301", _R, "the build failed", "read the model's events and build log in the console"),
    ("3572", _R, "the OBS URL is not valid", _SOURCE),
    ("3573", _R, "the OBS URL names no bucket", _SOURCE),
    ("3574", _R, "the OBS URL is not valid", _SOURCE),
    ("3576", _L, "the model quota could not be read", "nothing to do: it is tried again later"),
    ("3577", _L, "the model quota could not be updated", "nothing to do: it is tried again later"),
    ("3578", _R, "the model quota is used up", _QUOTA),
    ("3579", _U, "the model query failed", _SETTLE),
    ("3592", _R, "the health check's configuration is wrong", "correct `health` in initial_config"),
    ("4104", _R, "the request is larger than 12 MB", "shorten apis and initial_config"),
    ("4105", _R, "the request is not JSON", "report this: the request is written by this program"),
    ("4302", _W, "the service is unavailable", _BUSY),
    ("4700", _W, "the service is unavailable", _BUSY),
    ("6101", _W, "the system is busy", _BUSY),
    ("7004", _R, "the workspace cannot be used", _WORKSPACE),
    ("7005", _R, "the workspace cannot be used", _WORKSPACE),
])  # fmt: skip

_GATEWAY = _rules("APIG", [
    ("0101", Action.WRONG_ENDPOINT, "the gateway knows no such API", _ENDPOINT),
    ("0201", Action.BY_STATUS, "the gateway could not handle the request", ""),
    ("0301", _S, "the signature or the token is wrong", _ID),
    ("0302", _S, "the gateway refuses this user", _PERMISSION),
    ("0303", _S, "the signature or the token is wrong, or the clock is off", _CLOCK),
    ("0304", _S, "the gateway refuses this application", _PERMISSION),
    ("0305", _S, "the signature or the token is wrong", _ID),
    ("0306", _S, "the gateway refuses access to this API", _PERMISSION),
    ("0307", Action.RENEW, "the token must be renewed", _TOKEN),
    ("0308", _W, "the gateway limits the rate", _BUSY),
])  # fmt: skip

ERROR_RULES: Mapping[str, ErrorRule] = MappingProxyType(dict(sorted((_MODELARTS | _GATEWAY).items())))
"""Every code known, by its full name; the gateway's codes, spelt `APIG.` or `APIGW.`, stand under `APIG.`."""

STATUSES: Mapping[int, ErrorRule] = MappingProxyType({
    401: ErrorRule(_S, "the credentials are not accepted", _ID),
    403: ErrorRule(_S, "permission is refused", _PERMISSION),
    404: ErrorRule(Action.WRONG_ENDPOINT, "there is nothing here", _ENDPOINT),
    405: ErrorRule(Action.WRONG_ENDPOINT, "there is no such call here", _ENDPOINT),
    407: ErrorRule(Action.WRONG_ENDPOINT, "a proxy wants credentials", "check HTTPS_PROXY and NO_PROXY"),
    408: ErrorRule(_U, "the request took too long to arrive", _SETTLE),
    409: ErrorRule(_E, "a model of this name and version exists"),
    410: ErrorRule(Action.WRONG_ENDPOINT, "this is gone for good", _ENDPOINT),
    413: ErrorRule(_R, "the request is too large", "shorten apis and initial_config: the limit is 12 MB"),
    425: ErrorRule(_W, "it is too early", _BUSY),
    429: ErrorRule(_W, "requests come too often", _BUSY),
})  # fmt: skip
"""What a status leads to when the code does not say; `by_status` has the rest."""

REDIRECT = ErrorRule(
    Action.WRONG_ENDPOINT,
    "the answer is a redirect, which is never followed",
    "set endpoint of the target to the registry's own address",
)
REFUSED = ErrorRule(
    _R, "the request was refused", "read the message, correct the manifest, then retry the model"
)
BROKEN = ErrorRule(_U, "the registry failed", _SETTLE)
NO_MODEL = ErrorRule(Action.NOT_FOUND, "there is no such model")
NO_LIST = ErrorRule(
    Action.WRONG_ENDPOINT,
    "this service no longer offers the list of models at this address",
    f"{_ENDPOINT}; as long as it answers so, nothing is imported and no model is called missing",
)
NO_IMPORT = ErrorRule(
    Action.WRONG_ENDPOINT,
    "this service no longer offers the import of models at this address",
    f"{_ENDPOINT}, and whether this site still has the old inference API",
)
NOT_THE_REGISTRY = ErrorRule(
    Action.WRONG_ENDPOINT, "this answer is not the registry's", "check endpoint, and the proxies in between"
)
UNUSABLE = ErrorRule(_U, "the answer is not usable", _SETTLE)

_OF_THE_CALL = (Action.WRONG_ENDPOINT, Action.NOT_FOUND)
"""What an answer is about that says nothing of the credentials or of the request's content."""

_NOT_PUBLISHED = re.compile(r"APIGW?\.01[0-9]{2}", re.IGNORECASE)
"""The gateway's codes for an API, or what lies behind it, that does not exist or is not published."""

_CODE = re.compile(r"(?:(ModelArts|APIGW?)\.)?([0-9]{4})", re.IGNORECASE)


def known_code(code: str | None) -> str | None:
    """The name under which `ERROR_RULES` has a code, or None: `apigw.0301` and `3001` are spellings too."""
    match = _CODE.fullmatch(code or "")
    if match is None:
        return None
    family = "APIG" if (match[1] or "").upper().startswith("APIG") else "ModelArts"
    name = f"{family}.{match[2]}"
    return name if name in ERROR_RULES else None


def by_status(status: int) -> ErrorRule:
    """What a status leads to when there is no code that says more."""
    if status in STATUSES:
        return STATUSES[status]
    if 300 <= status < 400:  # noqa: PLR2004 - redirects
        return REDIRECT
    if 400 <= status < 500:  # noqa: PLR2004 - the request's fault
        return REFUSED
    return BROKEN if status >= 500 else UNUSABLE  # noqa: PLR2004 - the server's fault


def withdrawn(status: int, code: str | None) -> bool:
    """Whether an answer about no single model says that the whole call is not offered (any more)."""
    if _NOT_PUBLISHED.fullmatch(code or ""):
        return status < 500  # noqa: PLR2004 - the gateway's own trouble passes
    return status in (404, 410) and disposition(status, code).action in _OF_THE_CALL


def disposition(status: int, code: str | None) -> ErrorRule:
    """What an answer leads to: by its code, and where that says nothing by its status."""
    name = known_code(code)
    if name is None or ERROR_RULES[name].action is Action.BY_STATUS:
        return by_status(status)
    return ERROR_RULES[name]
