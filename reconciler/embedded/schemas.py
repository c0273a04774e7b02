"""The shapes of the API as its OpenAPI document shows them. Answers are not passed through them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class Shape(BaseModel):
    """A JSON object that may have more members than are described."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())


class ErrorShape(Shape):
    """The vendor's error envelope."""

    error_code: str = Field(min_length=8, max_length=36, examples=["ModelArts.3002"])
    error_msg: str = Field(min_length=2, max_length=512)


class Imported(Shape):
    """The answer to an import call."""

    model_id: str


class ListItem(Shape):
    """One model of a list; most members may be left out."""

    model_id: str
    model_name: str
    model_version: str
    model_type: str
    model_status: str | None = None
    description: str
    create_at: int = Field(description="milliseconds since the epoch")
    workspace_id: str
    tenant: str
    project: str
    owner: str
    model_size: int = Field(description="bytes")


class ModelList(Shape):
    """One page of models."""

    total_count: int = Field(description="matches without paging")
    count: int = Field(description="models in this page")
    models: list[ListItem]


class Detail(Shape):
    """Everything the API tells about one model."""

    model_id: str
    model_name: str
    model_version: str
    model_type: str
    model_status: str
    description: str
    create_at: int = Field(description="milliseconds since the epoch")
    source_location: str
    runtime: str
    workspace_id: str
    apis: str = Field(description="JSON in a string")
    config: str = Field(description="initial_config: JSON in a string")
    model_metrics: str = Field(description="JSON in a string")
    dependencies: list[Shape]
    input_params: list[Shape]
    output_params: list[Shape]
    model_docs: list[Shape]


class NotDeleted(Shape):
    """Why a model was not deleted."""

    model_id: str
    error_code: str


class Deleted(Shape):
    """The answer to a delete call: 200 also when nothing was deleted."""

    delete_success_list: list[str]
    delete_failed_list: list[NotDeleted]


class Runtimes(Shape):
    """The engines and their runtimes."""

    count: int
    total_count: int
    engine_runtimes: list[Shape]


class Templates(Shape):
    """The templates a model may be made from."""

    count: int
    total_count: int
    templates: list[Shape]


class Named(Shape):
    """Something by its name or id."""

    name: str | None = None
    id: str | None = None


class LoginUser(Shape):
    """An IAM user with a password."""

    name: str
    password: SecretStr
    domain: Named


class LoginPassword(Shape):
    """The password method's part."""

    user: LoginUser


class Identity(Shape):
    """How the user proves who it is."""

    methods: list[str]
    password: LoginPassword


class Scope(Shape):
    """What the token shall be good for."""

    project: Named | None = None
    domain: Named | None = None


class Auth(Shape):
    """An identity and a scope."""

    identity: Identity
    scope: Scope | None = None


class Login(Shape):
    """A request for a token."""

    auth: Auth
