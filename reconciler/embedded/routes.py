"""The vendor's model routes, path for path; literal ones before `{model_id}`, which would take them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from reconciler.embedded import catalogue, fast_routes, schemas
from reconciler.embedded.access import Principal
from reconciler.embedded.answers import IN_USE, answer
from reconciler.embedded.dependencies import PROJECT_ID, AppState, admit_to_project, parts
from reconciler.embedded.listing import ListQuery, PageQuery

Registry = Annotated[AppState, Depends(parts)]
Admitted = Annotated[Principal, Depends(admit_to_project)]
Filters = Annotated[ListQuery, Query()]
Paging = Annotated[PageQuery, Query()]
ProjectId = Annotated[str, Path(json_schema_extra={"pattern": f"^{PROJECT_ID.pattern}$"})]

router = APIRouter(
    prefix="/v1/{project_id}/models",
    dependencies=[Depends(admit_to_project)],
    responses={"default": {"model": schemas.ErrorShape, "description": "The vendor's error envelope"}},
)


@router.post("", summary="Import a model", responses={200: {"model": schemas.Imported}})
async def import_model(
    project_id: ProjectId, request: Request, caller: Admitted, registry: Registry
) -> Response:
    """Registers one version of a model and answers at once; the import goes on until the status is final."""
    return await fast_routes.import_model(registry, request, caller, project_id)


@router.get("", summary="List models", responses={200: {"model": schemas.ModelList}})
async def list_models(project_id: ProjectId, registry: Registry, query: Filters) -> Response:
    """One page of a workspace's models, newest first unless asked otherwise."""
    return await fast_routes.list_models(registry, query, project_id)


@router.get("/ai-engine-runtimes", summary="List engines", responses={200: {"model": schemas.Runtimes}})
async def list_runtimes(
    project_id: ProjectId,  # noqa: ARG001 - in the path
    registry: Registry,
    query: Paging,
) -> Response:
    """The engines and runtimes this edition of the documents names."""
    engines = catalogue.engine_runtimes(registry.settings.edition)
    skip = query.skip(registry.settings)
    shown = engines[skip : skip + query.limit]
    return answer({"count": len(shown), "total_count": len(engines), "engine_runtimes": shown})


@router.get("/template", summary="List templates", responses={200: {"model": schemas.Templates}})
async def list_templates(project_id: ProjectId) -> Response:  # noqa: ARG001 - in the path
    """The templates a model may be made from: none here; any template_id is taken as it is."""
    return answer({"count": 0, "total_count": 0, "templates": []})


@router.get("/{model_id}", summary="Show a model", responses={200: {"model": schemas.Detail}})
async def show_model(project_id: ProjectId, model_id: str, registry: Registry) -> Response:
    """Everything the API tells about one model; some fields come back renamed, re-typed or filled in."""
    return await fast_routes.show_model(registry, project_id, model_id)


@router.delete("/{model_id}", summary="Delete a model", responses={200: {"model": schemas.Deleted}})
async def delete_model(
    project_id: ProjectId, model_id: str, registry: Registry, cascade: Annotated[bool, Query()] = False
) -> Response:
    """Deletes one model; with cascade also other versions of its name, 20 in all.

    The status is 200 also where a model was not deleted: both lists of the answer must be read.
    """
    fast_routes.check_id(model_id, registry.settings)
    deleted, used = await registry.store.delete(
        project_id, model_id, cascade=cascade, now=registry.milliseconds()
    )
    wording = "error_message" if registry.settings.edition == "cn-2021" else "error_msg"
    reason = {"error_code": IN_USE.code, wording: "a service uses the model: delete the service first"}
    failed = [{"model_id": model_id} | reason for model_id in used]
    return answer({"delete_success_list": deleted, "delete_failed_list": failed})
