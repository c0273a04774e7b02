"""The query of a list call, as the documents have it, and what it asks of the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from reconciler.embedded.answers import VendorError
from reconciler.embedded.paging import Listing, SortKey
from reconciler.embedded.validation import general_code

if TYPE_CHECKING:
    from reconciler.embedded.settings import EmbeddedSettings

Words = Annotated[str, Field(max_length=512)]


class PageQuery(BaseModel):
    """Which part of a list is asked for."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    offset: int = Field(0, ge=0, le=10**12, description="which page; the first is 0")
    limit: int = Field(1000, ge=1, le=1000, description="records in a page")

    def skip(self, settings: EmbeddedSettings) -> int:
        """How many records stand before the page: nobody publishes whether offset counts pages or items."""
        return self.offset * self.limit if settings.offset_mode == "page" else self.offset


class DeleteQuery(BaseModel):
    """What is deleted beside the model."""

    model_config = ConfigDict(defer_build=True)

    cascade: bool = Field(False, description="other versions of its name, too")


class ListQuery(PageQuery):
    """The filters and the order of a list of models; empty text asks for nothing."""

    model_name: Words = Field("", description="any part of the name; `_` stands for any character")
    exact_match: bool = Field(False, description="take `_` in model_name literally")
    model_version: Words = ""
    model_status: Literal["", "publishing", "published", "failed", "building", "building_failed"] = ""
    model_type: Words = Field("", description="not together with not_model_type")
    not_model_type: Words = ""
    description: Words = Field("", description="any part of the description")
    sort_by: SortKey = "create_at"
    order: Literal["asc", "desc"] = "desc"
    workspace_id: Words = Field("0", description="default: 0")

    def listing(self, project_id: str, settings: EmbeddedSettings) -> Listing:
        """What the store is asked. Raises VendorError."""
        if self.model_type and self.not_model_type:
            raise VendorError(
                general_code(settings), "model_type and not_model_type exclude each other: send one"
            )
        equal = self.exact_match and settings.exact_match == "equal"
        name = self.model_name and _contains(self.model_name, wildcard=not self.exact_match)
        filters = {
            "project_id": project_id,
            "workspace_id": self.workspace_id or "0",
            **({"name": self.model_name} if equal else {"name_like": name}),
            "description_like": self.description and _contains(self.description, wildcard=False),
            "model_version": self.model_version,
            "model_type": self.model_type,
            "not_model_type": self.not_model_type,
            "status": self.model_status,
        }
        given = tuple((name, value) for name, value in filters.items() if value)
        return Listing(given, self.sort_by, self.order == "desc", self.skip(settings), self.limit)


def _contains(words: str, *, wildcard: bool) -> str:
    """A LIKE pattern; `_` stays a wildcard when asked, as in the vendor's unescaped filter."""
    escaped = words.replace("\\", "\\\\").replace("%", "\\%")
    if not wildcard:
        escaped = escaped.replace("_", "\\_")
    return f"%{escaped}%"
