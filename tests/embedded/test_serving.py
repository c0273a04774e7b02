from __future__ import annotations

import asyncio
import re
import sqlite3
import subprocess
import sys
from http.client import HTTPConnection
from socket import create_server
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import structlog
from jsonschema import Draft202012Validator
from starlette.applications import Starlette
from starlette.routing import Mount

from reconciler.embedded import EmbeddedSettings, User, create_app, running
from reconciler.embedded.settings import AccountKeys
from reconciler.errors import ConfigurationError, StateError
from tests.embedded.samples import SEED, add, refused, request
from tests.plain_http import NO_TLS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.embedded.conftest import Serve


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nonsense", 404),
        ("GET", "/v1/p", 404),
        ("GET", "/v1/p/models/", 404),
        ("GET", "/v1/p/models/a/b", 404),
        ("PUT", "/v1/p/models", 405),
        ("PATCH", "/v1/p/models/x", 405),
        ("POST", "/v1/p/models/x", 405),
    ],
)
def test_a_route_that_does_not_exist_answers_in_the_vendors_envelope(
    serve: Serve, method: str, path: str, status: int
) -> None:
    """The gateway's code; what is allowed instead is in a header."""
    client = serve()
    answer = client.request(method, client.base_url.join(path))
    assert refused(answer) == (status, "APIGW.0101")
    assert ("allow" in answer.headers) == (status == 405)


def test_a_path_that_knows_several_methods_names_all_of_them(serve: Serve) -> None:
    """Each once, in the order of the description."""
    client = serve()
    answers = [client.put("/models"), client.put("/models/x"), client.put("/models/template")]
    assert [answer.headers["allow"] for answer in answers] == ["POST, GET", "GET, DELETE", "GET, DELETE"]


def test_every_answer_has_a_request_id_of_its_own(serve: Serve) -> None:
    """Refusals and unknown routes too."""
    client = serve()
    urls = ["/healthz", "/", "/nonsense", "/v1/p/models", "/v1/p/models?limit=x", "/openapi.json"]
    ids = [client.get(client.base_url.join(url)).headers["X-request-id"] for url in urls]
    assert len(set(ids)) == len(urls)
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in ids)


def test_a_project_id_that_cannot_be_one_is_refused(serve: Serve) -> None:
    """Blanks, controls, other scripts and great lengths."""
    client = serve()
    for project in ("a%20b", "%00", "%E6%89%8B", "x" * 65, "a%2Fb"):
        answer = client.get(client.base_url.join(f"/v1/{project}/models"))
        assert refused(answer) in {(400, "ModelArts.0210"), (404, "APIGW.0101")}


def test_it_says_that_it_is_well_and_what_it_is(serve: Serve) -> None:
    """For health checks and for people."""
    client = serve(edition="current")
    assert client.get(client.base_url.join("/healthz")).json() == {"status": "ok"}
    assert client.get(client.base_url.join("/")).json()["edition"] == "current"


def test_a_client_that_goes_away_before_its_body_has_arrived_harms_nobody(serve: Serve) -> None:
    """Nothing is registered and the next request is served."""
    client = serve()
    connection = HTTPConnection(client.base_url.host, client.base_url.port or 0)
    connection.putrequest("POST", f"{client.base_url.path}models")
    connection.putheader("Content-Length", "1000")
    connection.endheaders(b'{"model_name":')
    connection.close()
    assert client.get("/models").json()["count"] == 0


def test_a_disk_that_refuses_is_an_error_of_the_server_and_nothing_is_registered(
    serve: Serve, tmp_path: Path
) -> None:
    """Code 3006, metadata not stored; afterwards it goes on."""
    client = serve(database=tmp_path / "r.db")
    other = sqlite3.connect(tmp_path / "r.db")
    trigger = "CREATE TRIGGER full BEFORE INSERT ON models BEGIN SELECT RAISE(FAIL, 'disk is full'); END"
    other.execute(trigger)
    answer = client.post("/models", json=request())
    assert refused(answer) == (500, "ModelArts.3006")
    other.execute("DROP TRIGGER full")
    other.close()
    add(client)


def test_a_database_that_broke_is_told_in_the_envelope(serve: Serve, tmp_path: Path) -> None:
    """The health check turns red; no traceback reaches a client."""
    client = serve(database=tmp_path / "r.db")
    other = sqlite3.connect(tmp_path / "r.db")
    other.execute("DROP TABLE models")
    other.close()
    assert refused(client.get(client.base_url.join("/healthz"))) == (503, "ModelArts.4302")
    assert refused(client.get("/models")) == (500, "ModelArts.0010")
    assert refused(client.delete("/models/x")) == (500, "ModelArts.0010")


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("DELETE", "/x"), ("GET", "/template")])
def test_a_fault_nobody_foresaw_is_told_in_the_envelope_and_logged(method: str, path: str) -> None:
    """Here a clock that breaks: no traceback in the answer, and the same request id in answer and log."""

    def broken() -> float:
        raise RuntimeError("no time")

    with structlog.testing.capture_logs() as lines, running(EmbeddedSettings(clock=broken)) as url:
        answer = httpx.request(method, f"{url}/v1/p/models{path}", verify=NO_TLS)
    assert refused(answer) == (500, "ModelArts.0010")
    assert "no time" not in answer.text
    (line,) = [line for line in lines if line.get("exc_info")]
    assert answer.headers["X-request-id"] in line["event"]


@pytest.mark.parametrize("content", [b"not a database" * 100, b"SQLite format 3\x00" + b"\xff" * 2000])
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    """The message names the file."""
    path = tmp_path / "r.db"
    path.write_bytes(content)
    with pytest.raises(StateError, match=r"r\.db: cannot be used"):
        create_app(EmbeddedSettings(database=path))
    assert path.read_bytes() == content


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    """As is one of a later version of this program."""
    path = tmp_path / "r.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (x)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(StateError, match="another program's database"):
        create_app(EmbeddedSettings(database=path))
    assert path.read_bytes() == before
    path.unlink()
    with running(EmbeddedSettings(database=path)):
        pass
    later = sqlite3.connect(path)
    later.execute("PRAGMA user_version = 99")
    later.close()
    with pytest.raises(StateError, match="its version is 99"):
        create_app(EmbeddedSettings(database=path))


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "file").touch()
    with pytest.raises(StateError, match="cannot be used"):
        create_app(EmbeddedSettings(database=tmp_path / "file" / "r.db"))


def test_an_address_that_is_taken_is_told() -> None:
    """With the port and what to do."""
    with create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(ConfigurationError, match=f"port {port}.*choose another"),
            running(EmbeddedSettings(), port),
        ):
            pass


@pytest.mark.parametrize(
    ("settings", "wording"),
    [
        ({"edition": "seed-2020"}, "seed-2019"),
        ({"publish_seconds": -1.0}, "publish_seconds"),
        ({"publish_seconds": float("nan")}, "publish_seconds"),
        ({"quota": -1}, "quota"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], wording: str) -> None:
    """Before anything is opened."""
    with pytest.raises(ConfigurationError, match=wording):
        create_app(EmbeddedSettings(**settings))


def test_two_registries_may_share_a_file(serve: Serve, tmp_path: Path) -> None:
    """What one registers, the other has."""
    one, other = (serve(database=tmp_path / "r.db", projects={"a": "b"}) for _ in range(2))
    add(one)
    assert other.get("/models").json()["count"] == 1
    assert other.post("/models", json=request()).status_code == 409


def test_the_application_works_in_process_without_its_lifespan() -> None:
    """For clients that need no socket; it is closed by hand, twice without harm."""

    async def talk() -> int:
        app = create_app(EmbeddedSettings())
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://registry") as client:
            answer = await client.post("/v1/p/models", json=SEED)
        app.state.close()
        app.state.close()
        return answer.status_code

    assert asyncio.run(talk()) == 200


def test_the_application_answers_below_the_path_where_it_is_mounted() -> None:
    """Its own paths stay the ones that it knows."""

    async def talk() -> list[int]:
        app = create_app(EmbeddedSettings())
        transport = httpx.ASGITransport(Starlette(routes=[Mount("/registry", app=app)]))
        async with httpx.AsyncClient(transport=transport, base_url="http://host/registry") as client:
            answers = [await client.post("/v1/p/models", json=SEED), await client.get("/healthz")]
        app.state.close()
        return [answer.status_code for answer in answers]

    assert asyncio.run(talk()) == [200, 200]


@pytest.mark.parametrize("edition", ["seed-2019", "cn-2021", "otc-2024", "current"])
def test_the_openapi_document_describes_what_is_answered(serve: Serve, edition: str) -> None:
    """References resolve, the vendor's example fits the request, and real answers fit their shapes."""
    client = serve(edition=edition)
    document = client.get(client.base_url.join("/openapi.json")).json()
    models = document["paths"]["/v1/{project_id}/models"]
    one = document["paths"]["/v1/{project_id}/models/{model_id}"]

    def check(place: dict[str, Any], value: object) -> None:
        reference = place["content"]["application/json"]["schema"]
        Draft202012Validator({**document, **reference}).validate(value)

    named = [one["operationId"] for methods in document["paths"].values() for one in methods.values()]
    assert len(set(named)) == len(named)
    check(models["post"]["requestBody"], request())
    answer = client.post("/models", json=request())
    check(models["post"]["responses"]["200"], answer.json())
    model_id = answer.json()["model_id"]
    check(models["get"]["responses"]["200"], client.get("/models").json())
    check(one["get"]["responses"]["200"], client.get(f"/models/{model_id}").json())
    check(one["get"]["responses"]["default"], client.get("/models/x").json())
    check(one["delete"]["responses"]["200"], client.delete(f"/models/{model_id}").json())
    if edition == "seed-2019":
        check(models["post"]["requestBody"], SEED)


def test_the_openapi_document_tells_how_to_log_in_where_that_is_needed(serve: Serve) -> None:
    """Token or signature, and the body of a login."""
    user = User(name="robot", password="secret", domain="team")  # noqa: S106 - made up
    client = serve(auth=AccountKeys(users=(user,)))
    document = client.get(client.base_url.join("/openapi.json")).json()
    assert document["paths"]["/v1/{project_id}/models"]["get"]["security"] == [
        {"token": []},
        {"signature": []},
    ]
    assert "Login" in document["components"]["schemas"]
    assert "security" not in document["paths"]["/healthz"]["get"]


def test_settings_are_cheap_to_import() -> None:
    """The web framework and uvicorn are loaded only when something is served."""
    program = """
import sys, reconciler.embedded
print(sorted({'starlette', 'uvicorn', 'sqlite3'} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_calls_of_a_reconciler_do_not_load_what_describes_them() -> None:
    """A registry inside another program imports, lists and shows models without a class for every shape."""
    program = """
import asyncio, sys
import httpx
from reconciler.embedded import EmbeddedSettings, create_app

async def talk(app):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://r/v1/p") as client:
        body = {"model_name": "m", "model_version": "1.0.0", "model_type": "Image", "source_location": "https://a/b"}
        made = await client.post("/models", json=body)
        found = await client.get("/models", params={"model_name": "m"})
        shown = await client.get("/models/" + made.json()["model_id"])
        wrong = await client.get("/models?limit=0")
        print([answer.status_code for answer in (made, found, shown, wrong)], shapes in sys.modules)
        described = await client.get("http://r/openapi.json")
        print(described.status_code, shapes in sys.modules)

shapes = "reconciler.embedded.openapi"
app = create_app(EmbeddedSettings())
asyncio.run(talk(app))
app.state.close()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[200, 200, 200, 400] False\n200 True\n"
