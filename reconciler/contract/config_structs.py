"""The model's configuration file (package specification), which `initial_config` carries, as types.

Unlike the request it is open: the vendor's own samples have keys that no page documents, so an unknown one is
sent as it stands, and `config_rules.unknown_keys` tells of it.
"""

from typing import Annotated

from reconciler.contract.fields import Count, Free, OneOf
from reconciler.contract.structs import (
    BoundedParams,
    Metrics,
    OpenStruct,
    Package,
    Params,
    WebParams,
    optional,
    required,
)
from reconciler.contract.texts import (
    Algorithm,
    Installer,
    Protocol,
    Words,
)


class Health(OpenStruct):
    """A health probe of an image; every value is text in JSON."""

    protocol: Words | None = None
    url: Words | None = None
    check_method: Annotated[str, OneOf(("HTTP", "EXEC"))] | None = None
    command: Words | None = None
    initial_delay_seconds: Annotated[str, Count(0)] | None = None
    timeout_seconds: Annotated[str, Count(1)] | None = None
    period_seconds: Annotated[str, Count(1)] | None = None
    failure_threshold: Annotated[str, Count(1)] | None = None


class ConfigApi(OpenStruct):
    """One API of the model, in the dialect of the configuration file."""

    protocol: Protocol | None = None
    url: Words | None = None
    method: Words | None = None
    request: Free | None = None
    response: Free | None = None
    input_params: Free | None = None
    output_params: Free | None = None


class ConfigPackage(Package, OpenStruct):
    """One package, in the configuration file."""


class ConfigDependency(OpenStruct):
    """Packages that one installer installs, in the configuration file."""

    installer: Installer = required("Only pip.")
    packages: list[ConfigPackage] = required("The packages.")


class ConfigParams(Params, OpenStruct):
    """One input or output parameter, in the configuration file."""


class BoundedConfigParams(BoundedParams, OpenStruct):
    """The same, where the lengths are limits and not advice (2019)."""


class WebConfigParams(WebParams, OpenStruct):
    """The same, where the protocol is HTTP or HTTPS (current)."""


class Config(OpenStruct):
    """The configuration file. Each edition narrows `model_type`, and has parameters as its request has."""

    model_algorithm: Algorithm | None = optional("Kind of algorithm.")
    model_type: Words | None = optional("The engine.")
    runtime: Words | None = None
    swr_location: Words | None = optional("Image address; only for model_type Image.")
    metrics: Metrics | None = None
    apis: list[ConfigApi] | None = None
    dependencies: list[ConfigDependency] | None = None
    health: Health | None = None
    readiness_health: Health | None = None
    startup_health: Health | None = None
    protocol: Words | None = None
    port: Free | None = None
    model_source: Free | None = None
    tunable: Free | None = None
    downloadable_flag: Free | None = None
    algorithm: Free | None = None
