"""The 45 contract cases of the API reference: each by its number, under each value of its setting.

Cases about a request are the manifests of `tests.contract.test_cases`, which are judged by the reader there;
here each goes as it stands through the client, over a socket, to the registry of its edition.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import structlog

from reconciler.contract import comparable, edition
from reconciler.contract.model_key import ModelKey
from reconciler.embedded import AccountKeys, EmbeddedSettings, Faults, User, running
from reconciler.errors import AlreadyExists, NotFound, RegistryError, Rejected, Unauthorised
from reconciler.registry import AccessKeyAuth, ModelArtsRegistry, PasswordAuth
from reconciler.secret import GivenSecret
from tests.contract.documents import minimal
from tests.contract.test_cases import CASES as REQUESTS
from tests.contract.test_cases import Case as RequestCase
from tests.contract.test_cases import on_the_wire
from tests.embedded.samples import request
from tests.plain_http import NO_TLS
from tests.program import Fleet
from tests.registry.test_signing import test_a_documented_request_gets_the_documented_signature as _vectors
from tests.vendor.calling import created, detail, listed, use
from tests.vendor.cases import CASES
from tests.vendor.logins import NOBODY, target
from tests.vendor.served import ACCESS_KEY, PASSWORD, PROJECT, REGION, SECRET_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NUMBERS: set[int] = set()
SET_400 = {
    f"ModelArts.{code}" for code in ("3036", "3037", "0101", "0104", "0107", "3015", "3016", "3017", "3041")
}
TEMPLATES = {"ModelArts.3029", "ModelArts.3034", "ModelArts.3039"}


def of(number: int) -> pytest.MarkDecorator:
    """Runs a test under each setting of a case; its id is the case's number, and its source."""
    NUMBERS.add(number)
    case = CASES[number]
    return pytest.mark.parametrize(
        "settings",
        [pytest.param(s, id=f"case {number:02} {_shown(s)}({case.source})") for s in case.variants],
    )


def _shown(settings: dict[str, Any]) -> str:
    return "".join(f"{name}={value} " for name, value in settings.items())


def requests(*, refused: bool) -> list[Any]:
    """Each manifest of a case, in each of its editions; in the first of them under each setting."""
    NUMBERS.update(case.number for case in REQUESTS)
    return [
        pytest.param(
            case,
            name,
            settings,
            id=f"case {case.number:02} {name} {_shown(settings)}{case.title!a} ({case.source})",
        )
        for case in REQUESTS
        if refused or case.verdict != "reject"
        for place, name in enumerate(case.editions)
        for settings in CASES[case.number].variants[: 1 if place else None]
    ]


@pytest.fixture(scope="module")
def registries() -> Iterator[Callable[..., str]]:
    """The URL of a registry with some settings: one for all tests that want the same."""
    with ExitStack() as stack:
        urls: dict[str, str] = {}

        def url_of(**settings: Any) -> str:
            key = repr(sorted(settings.items()))
            if key not in urls:
                usual = {"publish_seconds": 0.0} | settings
                urls[key] = stack.enter_context(running(EmbeddedSettings(**usual)))
            return urls[key]

        yield url_of


_projects = iter(range(10_000))


@pytest.fixture
def project() -> str:
    """A project that no other test uses."""
    return f"p{next(_projects)}"


# --- what is sent ----------------------------------------------------------------------------------------


def expected(case: RequestCase, settings: dict[str, Any]) -> str:
    """What the registry says to a request: accepted, failed (later), or refused."""
    if case.code == "content-rule":
        return "refused" if settings.get("content_errors") == "at-once" else "failed"
    if case.code == "field-of-another-edition":
        return "accepted"
    if settings.get("strict") and (
        case.code in ("tolerated", "unknown-field") or case.title == "source_copy true"
    ):
        return "refused"
    if settings.get("zero_version") == "refused":
        return "refused"
    return "refused" if case.verdict == "reject" else "accepted"


@pytest.mark.parametrize(("case", "name", "settings"), requests(refused=True))
def test_a_request_is_answered_as_its_case_says(
    case: RequestCase, name: str, settings: dict[str, Any], registries: Callable[..., str], project: str
) -> None:
    """The client gives an id, or one permanent refusal whose code is among those that are possible."""
    body = on_the_wire(case.document)
    url = registries(edition=name, **settings)
    outcome = expected(case, settings)
    if outcome == "refused":
        with pytest.raises(Rejected) as caught:
            created(url, body, project)
        assert not isinstance(caught.value, AlreadyExists)
        if case.number == 24:
            assert caught.value.code == f"ModelArts.{settings['type_code']}"
            assert caught.value.status == (500 if settings["type_code"] == "3053" else 400)
        elif settings.get("field_codes", "by-field") != "by-field":
            assert caught.value.code == f"ModelArts.{settings['field_codes']}"
        else:
            assert caught.value.code in SET_400 | (TEMPLATES if case.number == 25 else set())
            assert caught.value.status == 400
        return
    made = created(url, body, project)
    shown = detail(url, made, project)
    assert shown["model_status"] == ("failed" if outcome == "failed" else "published")


@pytest.mark.parametrize(("case", "name", "settings"), requests(refused=False))
def test_what_a_manifest_gives_is_accepted_by_the_registry_and_never_drifted(
    case: RequestCase, name: str, settings: dict[str, Any], registries: Callable[..., str], project: str
) -> None:
    """What the reader lets pass is accepted, unless a setting is stricter, and then it is equal."""
    sent = edition(name).parse(case.document).request
    assert sent is not None
    url = registries(edition=name, **settings)
    try:
        made = created(url, sent, project)
    except Rejected:
        assert settings.get("strict") or settings.get("zero_version") == "refused"
        assert case.verdict == "warn" or (case.number, name) == (27, "seed-2019")
        return
    shown = detail(url, made, project)
    declared, registered = comparable(sent, shown)
    assert declared == registered


@of(22)
def test_apis_are_shown_as_text_however_they_were_sent(
    settings: dict[str, Any], registries: Callable[..., str], project: str
) -> None:
    """Array or text in, text out."""
    for version, apis in (("0.0.1", [{"url": "/"}]), ("0.0.2", '[{"url": "/"}]')):
        body = minimal(model_version=version, apis=apis)
        url = registries(edition="current", **settings)
        made = created(url, body, project)
        shown = detail(url, made, project)
        assert isinstance(shown["apis"], str)


@of(29)
def test_source_copy_is_sent_and_shown_as_text(
    settings: dict[str, Any], registries: Callable[..., str], project: str
) -> None:
    """A manifest's Boolean leaves as text, so that no strictness matters."""
    document = minimal(model_type="Image", source_copy=True)
    sent = edition("current").parse(document).request
    assert sent is not None
    assert sent["source_copy"] == "true"
    url = registries(edition="current", **settings)
    made = created(url, sent, project)
    shown = detail(url, made, project)
    assert shown["source_copy"] == "true"


@of(10)
def test_a_taken_pair_is_told_apart_from_a_refusal(
    settings: dict[str, Any], registries: Callable[..., str], project: str
) -> None:
    """409 ModelArts.3002 is its own error: what is there is compared."""
    url = registries(**settings)
    created(url, request("m"), project)
    with pytest.raises(AlreadyExists) as caught:
        created(url, request("m"), project)
    assert (caught.value.status, caught.value.code) == (409, "ModelArts.3002")


@of(11)
def test_another_version_is_another_model(
    settings: dict[str, Any], registries: Callable[..., str], project: str
) -> None:
    """200, and a new id."""
    url = registries(**settings)
    made = {created(url, request("m", version), project) for version in ("1.0.0", "1.0.1")}
    assert len(made) == 2


# --- what is listed and shown ----------------------------------------------------------------------------


def filled(url: str, project: str, *names: str) -> None:
    """Registers a model of each name."""

    async def work(registry: ModelArtsRegistry) -> None:
        for name in names:
            await registry.create(request(name))

    use(url, work, project=project)


@of(30)
def test_an_exact_name_is_found_whatever_the_filter_means(
    settings: dict[str, Any], registries: Callable[..., str], project: str
) -> None:
    """Neighbours that the filter lets through are not taken for the model."""
    url = registries(**settings)
    filled(url, project, "axb", "a_b_c")
    assert use(url, lambda registry: registry.find(ModelKey("a_b", "1.0.0")), project=project) == []
    filled(url, project, "a_b")
    query = {"model_name": "a_b"}
    fuzzy = httpx.get(f"{url}/v1/{project}/models", params=query, verify=NO_TLS).json()
    exact = httpx.get(
        f"{url}/v1/{project}/models", params=query | {"exact_match": "true"}, verify=NO_TLS
    ).json()
    assert {item["model_name"] for item in fuzzy["models"]} == {"a_b", "axb", "a_b_c"}
    assert "axb" not in {item["model_name"] for item in exact["models"]}
    models = use(url, lambda registry: registry.find(ModelKey("a_b", "1.0.0")), project=project)
    assert [model.pair.model_name for model in models] == ["a_b"]


@of(31)
def test_filters_that_exclude_each_other_are_refused(
    settings: dict[str, Any], registries: Callable[..., str], project: str
) -> None:
    """400; the code is one of three, and the client never sends both."""
    query = {"model_type": "Image", "not_model_type": "Custom"}
    answer = httpx.get(f"{registries(**settings)}/v1/{project}/models", params=query, verify=NO_TLS)
    assert answer.status_code == 400
    code = settings["field_codes"].replace("by-field", "0107")
    assert answer.json()["error_code"] == f"ModelArts.{code}"


@of(32)
def test_a_paged_list_is_whole_whatever_the_offset_counts(
    settings: dict[str, Any], registries: Callable[..., str], project: str
) -> None:
    """Page 1 holds items 3 and 4, or 2 and 3; each model is listed once either way."""
    url = registries(**settings)
    filled(url, project, *"abcde")
    query = {"limit": "2", "offset": "1", "order": "asc"}
    page = httpx.get(f"{url}/v1/{project}/models", params=query, verify=NO_TLS).json()["models"]
    expected_page = ["c", "d"] if settings["offset_mode"] == "page" else ["b", "c"]
    assert [item["model_name"] for item in page] == expected_page
    models = listed(url, project, page_size=2)
    assert [model.pair.model_name for model in models] == list("abcde")


@of(33)
def test_a_list_with_a_wrong_total_or_sparse_items_is_whole(
    settings: dict[str, Any], registries: Callable[..., str], project: str
) -> None:
    """total_count is not believed, and a status that is not told is none."""
    url = registries(**settings)
    filled(url, project, *"abcde")
    for size in (2, 5, 1000):
        models = listed(url, project, page_size=size)
        assert [model.pair.model_name for model in models] == list("abcde")
    statuses = {model.status for model in models}
    assert statuses == ({None} if settings.get("sparse_items") else {"published"})


@of(34)
def test_an_unknown_id_is_not_found_and_a_malformed_one_is_never_a_model(
    settings: dict[str, Any], registries: Callable[..., str], project: str
) -> None:
    """404 ModelArts.3001; for an id that cannot be one also 400: an error that is not repeated."""
    url = registries(**settings)
    with pytest.raises(NotFound) as caught:
        detail(url, "10eb0091-887f-4839-9929-cbc884f1e20e", project)
    assert caught.value.code == "ModelArts.3001"
    with pytest.raises(RegistryError) as malformed:
        detail(url, "nonsense", project)
    assert type(malformed.value) is (NotFound if settings["malformed_id"] == 404 else Rejected)
    assert malformed.value.status == settings["malformed_id"]


@of(35)
def test_literal_routes_are_not_taken_for_ids(
    settings: dict[str, Any], registries: Callable[..., str], project: str
) -> None:
    """Both stand where an id would."""
    url = f"{registries(**settings)}/v1/{project}/models"
    assert "engine_runtimes" in httpx.get(f"{url}/ai-engine-runtimes", verify=NO_TLS).json()
    assert "templates" in httpx.get(f"{url}/template", verify=NO_TLS).json()


@of(44)
def test_a_status_that_is_not_final_is_followed(settings: dict[str, Any], tmp_path: Path) -> None:
    """Whatever it is called: to its end, or to the deadline, after which it is still publishing."""
    for seconds, deadline, verdict in ((0.4, "20s", "in-sync"), (60, "500ms", "publishing")):
        with running(EmbeddedSettings(publish_seconds=seconds, **settings)) as url:
            fleet = _fleet(tmp_path / verdict, url, deadline)
            done = fleet("apply", "--output", "json")
            assert (done.code, done.verdicts) == (0, {"a@1.0.0": verdict})


@of(45)
def test_what_the_registry_does_to_a_request_is_no_drift(
    settings: dict[str, Any], registries: Callable[..., str], project: str
) -> None:
    """Renamed, re-typed, filled in, spelt otherwise: declared and registered are equal; a change is not."""
    document = minimal(
        install_type=["batch", "real-time"],
        apis=[{"url": "/"}],
        initial_config={"model_algorithm": "x", "model_type": "TensorFlow", "apis": []},
        dependencies=[{"installer": "pip", "packages": [{"package_name": "numpy"}]}],
    )
    sent = edition("current").parse(document).request
    assert sent is not None
    url = registries(edition="current", **settings)
    made = created(url, sent, project)
    shown = detail(url, made, project)
    declared, registered = comparable(sent, shown)
    assert declared == registered
    declared, registered = comparable(sent | {"install_type": ["batch"]}, shown)
    assert declared != registered


# --- what is deleted -------------------------------------------------------------------------------------


@of(36)
def test_a_deletion_that_is_refused_inside_a_200_is_an_error(settings: dict[str, Any], project: str) -> None:
    """Code 3009 in delete_failed_list."""
    with running(EmbeddedSettings(in_use_pattern="*", **settings)) as url:
        _is_in_use(url, project)


@of(37)
def test_the_reason_of_a_refused_deletion_is_read_in_both_spellings(
    settings: dict[str, Any], project: str
) -> None:
    """The editions spell the member differently."""
    with running(EmbeddedSettings(in_use_pattern="*", **settings)) as url:
        model_id = _is_in_use(url, project)
        row = httpx.delete(f"{url}/v1/{project}/models/{model_id}", verify=NO_TLS).json()[
            "delete_failed_list"
        ][0]
    assert ("error_message" in row) == (settings["edition"] == "cn-2021")


def _is_in_use(url: str, project: str) -> str:
    made = created(url, request("m"), project)
    with pytest.raises(Rejected, match="a service uses the model: delete the service first") as caught:
        use(url, lambda registry: registry.delete(made), project=project)
    assert (caught.value.code, caught.value.status) == ("ModelArts.3009", 200)
    return made


@of(38)
def test_a_cascade_takes_twenty_versions_and_the_client_only_one(
    settings: dict[str, Any], registries: Callable[..., str], project: str
) -> None:
    """Which of the others stay is open; the program deletes by id, so that it does not matter."""
    url = registries(**settings)

    async def fill(registry: ModelArtsRegistry) -> list[str]:
        return [(await registry.create(request("m", f"1.0.{number}"))).model_id for number in range(26)]

    ids = use(url, fill, project=project)
    use(url, lambda registry: registry.delete(ids[0]), project=project)
    left = [model.model_id for model in listed(url, project)]
    assert left == ids[1:]
    answer = httpx.delete(f"{url}/v1/{project}/models/{ids[1]}", params={"cascade": "true"}, verify=NO_TLS)
    assert (answer.status_code, len(answer.json()["delete_success_list"])) == (200, 20)
    left = [model.model_id for model in listed(url, project)]
    assert left == (ids[-5:] if settings["cascade_order"] == "oldest" else ids[2:7])


# --- who asks --------------------------------------------------------------------------------------------

CREDENTIALS = AccountKeys(access_keys={ACCESS_KEY: SECRET_KEY}, users=(User("robot", PASSWORD, "acme"),))
GUARDED = EmbeddedSettings(auth=CREDENTIALS, projects={REGION: PROJECT})


@of(39)
def test_an_expired_token_is_renewed_once(settings: dict[str, Any], tmp_path: Path) -> None:
    """The registry's clock leaps a day between two calls: one 0202, one login, one repetition."""
    ahead = [0.0]
    database = tmp_path / "registry.db"
    guarded = replace(GUARDED, database=database, clock=lambda: time.time() + ahead[0], **settings)

    async def work(registry: ModelArtsRegistry) -> None:
        await registry.list_models()
        ahead[0] = 25 * 3600.0
        await registry.list_models()

    with structlog.testing.capture_logs() as lines, running(guarded) as url:
        auth = PasswordAuth(url, "robot", GivenSecret(PASSWORD), domain="acme", scope=REGION)
        use(url, work, auth)
    assert sum("refused: 401" in line["event"] for line in lines) == 1
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT count(*) FROM tokens").fetchone() == (2,)


@of(40)
def test_a_refused_signature_is_never_sent_again(settings: dict[str, Any]) -> None:
    """One request for three calls: five would lock the key."""

    async def work(registry: ModelArtsRegistry) -> None:
        for call in (registry.list_models(), registry.detail("m"), registry.create(request("m"))):
            with pytest.raises(Unauthorised):
                await call

    with structlog.testing.capture_logs() as lines, running(replace(GUARDED, **settings)) as url:
        use(url, work, AccessKeyAuth(GivenSecret(ACCESS_KEY), GivenSecret("wrong")))
    assert sum("refused: 401 APIGW.0301" in line["event"] for line in lines) == 1


@of(42)
def test_a_clock_that_is_off_is_refused_and_named(settings: dict[str, Any]) -> None:
    """Twenty minutes, either way; 14 are let through."""
    for minutes, accepted in ((-20, False), (20, False), (14, True)):
        auth = _with_a_clock_off_by(timedelta(minutes=minutes))
        with running(replace(GUARDED, **settings)) as url:
            if accepted:
                assert use(url, lambda registry: registry.list_models(), auth) == ()
                continue
            with pytest.raises(Unauthorised, match="clock") as caught:
                use(url, lambda registry: registry.list_models(), auth)
            assert caught.value.status == 401


def _with_a_clock_off_by(amount: timedelta) -> AccessKeyAuth:
    key, secret = GivenSecret(ACCESS_KEY), GivenSecret(SECRET_KEY)
    return AccessKeyAuth(key, secret, now=lambda: datetime.now(UTC) + amount)


@of(43)
def test_chinese_bodies_and_queries_are_signed_as_documented_and_verified(settings: dict[str, Any]) -> None:
    """Vectors V1 and V2, and the same over a socket to a registry that verifies."""
    for name in ("V1", "V2"):
        _vectors(name)

    async def work(registry: ModelArtsRegistry) -> None:
        made = await registry.create(request("手写数字", description="一 (&=?!#%.*) ~+"))
        (model,) = await registry.find(ModelKey("手写数字", "1.0.0"))
        assert model.model_id == made.model_id
        assert await registry.find(ModelKey("手写 a_b~", "1.0.0")) == []

    with running(replace(GUARDED, edition="seed-2019", **settings)) as url:
        use(url, work, AccessKeyAuth(GivenSecret(ACCESS_KEY), GivenSecret(SECRET_KEY), project_id=PROJECT))


# --- what is lost ----------------------------------------------------------------------------------------

LOST: dict[str, dict[str, Any]] = {
    "silence": {"action": "drop", "moment": "after"},
    "502": {"action": "reply", "moment": "after", "status": 502},
}


@pytest.mark.parametrize("how", LOST)
@of(41)
def test_an_import_whose_answer_is_lost_is_adopted_and_not_repeated(
    settings: dict[str, Any], how: str, tmp_path: Path
) -> None:
    """Unknown, looked for by exact name and version, equal: ours. One model, one request, no human."""
    rule = LOST[how] | {"method": "POST", "times": 1}
    faults = Faults.model_validate({"rules": [rule]})
    with running(EmbeddedSettings(publish_seconds=0, faults=faults, **settings)) as url:
        fleet = _fleet(tmp_path / "repository", url, "20s")
        done = fleet("apply", "--output", "json")
        assert (done.code, done.verdicts) == (0, {"a@1.0.0": "in-sync"})
        (row,) = fleet("history", "--output", "json").json
        assert [event["event"] for event in row["events"]][:3] == [
            "import-requested",
            "outcome-unknown",
            "adopted",
        ]
        assert httpx.get(f"{url}/v1/{PROJECT}/models", verify=NO_TLS).json()["total_count"] == 1


def _fleet(folder: Path, url: str, deadline: str) -> Fleet:
    fleet = Fleet(folder)
    fleet.configure(target(url, NOBODY) + f'[follow]\nfirst = "100ms"\ndeadline = "{deadline}"\n')
    fleet.declare("a@1.0.0")
    return fleet


def test_every_case_of_the_reference_is_here() -> None:
    """45, by number; and each that a test runs is in the table of the documents."""
    assert set(range(1, 46)) == NUMBERS == set(CASES)
