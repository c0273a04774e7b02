"""Reading a bucket: against a real S3-compatible server, and one that answers as on a bad day."""

from __future__ import annotations

import traceback
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import ConfigurationError
from reconciler.preflight import Examination, ObjectStoreKeys
from reconciler.preflight.address import ObsPlace, parse_endpoint
from reconciler.preflight.obs import ObsFiles
from reconciler.preflight.opening import open_files
from reconciler.preflight.package import FilesUnavailable
from tests.preflight.samples import Store, codes, manifest, package, program, write
from tests.preflight.scripted import Answer, Scripted, fault, page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.preflight.package import ModelFiles

OLD = "https://models.obs.myhwclouds.com"
RIGHT = ObjectStoreKeys(Store.ACCESS_KEY, Store.SECRET_KEY)
TOKEN = "TOKEN-canary/+="  # noqa: S105 - of a test
TEMPORARY = ObjectStoreKeys(Store.ACCESS_KEY, Store.SECRET_KEY, TOKEN)
SECRETS = (Store.ACCESS_KEY, Store.SECRET_KEY, TOKEN)

needs_rclone = pytest.mark.skipif(program() is None, reason="rclone is not installed")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A bucket `models` with a few packages."""
    root = tmp_path_factory.mktemp("store")
    package(root / "models/digits")
    package(root / "models/手写 数字/a+b%20~#", "PyTorch")
    for number in range(1100):
        write(root / f"models/many/model/{number:04}", "")
    with Store(root) as running:
        yield running


def opened(store: Store, address: str, credentials: ObjectStoreKeys | None = RIGHT) -> ModelFiles:
    files = open_files(address, credentials=lambda: credentials, endpoint=store.url)
    assert files is not None
    return files


@needs_rclone
def test_a_bucket_is_listed_and_read(store: Store) -> None:
    """Keys are relative to the source; a prefix is a directory, and reading stops at the limit."""
    with closing(opened(store, f"{OLD}/digits")) as files:
        assert sorted(entry.key for entry in files.list("model/variables/")) == [
            "model/variables/variables.data-00000-of-00001",
            "model/variables/variables.index",
        ]
        assert dict(files.list("model/"))["model/saved_model.pb"] == 7
        assert list(files.list("mod/")) == []
        assert files.read("model/saved_model.pb", 3) == b"wei"
        assert files.read("model/saved_model.pb", 100) == b"weights"


@needs_rclone
@pytest.mark.parametrize(
    "address", [f"{OLD}/many", "obs://models/many/", "https://obs.myhwclouds.com/models/many"]
)
def test_a_list_of_several_pages_is_read_to_its_end(address: str, store: Store) -> None:
    """The store gives a thousand at a time; all forms of the address lead there."""
    with closing(opened(store, address)) as files:
        assert len({entry.key for entry in files.list("model/")}) == 1100


@needs_rclone
def test_odd_names_arrive_as_they_are(store: Store) -> None:
    """Chinese, blanks, plus, percent, tilde and hash, in signature and address."""
    with closing(opened(store, "obs://models/手写 数字/a+b%20~#")) as files:
        assert b"PTServingBaseService" in files.read("model/customize_service.py", 1000)
        assert ("model/resnet.pth", 7) in list(files.list("model/"))


@needs_rclone
def test_a_package_in_a_bucket_is_examined_like_one_on_disk(store: Store) -> None:
    """The whole way, with a key; then one file less."""
    look = Examination("seed-2019", credentials=lambda: RIGHT, endpoint=store.url)
    sample = manifest(source_location=f"{OLD}/digits")
    assert look.examine(sample) == ()
    package(store.root / "models/broken", model__saved_model_DOT_pb=None)
    (reason,) = look.examine(manifest(source_location=f"{OLD}/broken"))
    assert reason.code == "preflight-engine-file-missing"
    (reason,) = look.examine(manifest(source_location=f"{OLD}/nothing"))
    assert reason.code == "preflight-source-missing"


@needs_rclone
def test_a_bucket_that_does_not_exist_is_told(store: Store) -> None:
    """Its name may be misspelt."""
    with closing(opened(store, "obs://model/digits")) as files, pytest.raises(FilesUnavailable) as caught:
        list(files.list("model/"))
    assert caught.value.code == "preflight-source-missing"
    assert "no such bucket" in str(caught.value)


@needs_rclone
def test_an_object_that_is_gone_is_told(store: Store) -> None:
    """It may go between the list and the reading."""
    with closing(opened(store, "obs://models/digits")) as files, pytest.raises(FilesUnavailable) as caught:
        files.read("model/none", 10)
    assert "model/none: there is no such object (HTTP 404 NoSuchKey)" in str(caught.value)


@needs_rclone
@pytest.mark.parametrize(
    ("credentials", "word"),
    [
        (ObjectStoreKeys(Store.ACCESS_KEY, "SKCANARY-wrong"), "the secret key is not the access key's"),
        (ObjectStoreKeys("AKCANARY-unknown", Store.SECRET_KEY), "the access key is not known there"),
        (None, "no key to ask with"),
    ],
)
def test_a_refusal_is_told_once_and_never_tried_again(
    credentials: ObjectStoreKeys | None, word: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A key is locked after a few failures: the server's own log has one refusal."""
    root = tmp_path_factory.mktemp("refusing")
    package(root / "models/digits")
    with Store(root) as store:
        files = opened(store, "obs://models/digits", credentials)
        with closing(files), pytest.raises(FilesUnavailable) as caught:
            list(files.list("model/"))
        log = store.stopped()
    assert caught.value.code == "preflight-denied"
    assert word in str(caught.value)
    assert sum("Access Denied" in line for line in log) == 1
    assert "CANARY" not in "".join(traceback.format_exception(caught.value)) + repr((files, credentials))


@needs_rclone
def test_the_environment_of_other_tools_changes_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys and endpoints that are meant for another store are not looked at."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "other", "AWS_SECRET_ACCESS_KEY": "other", "AWS_SESSION_TOKEN": "other",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_REGION": "other", "MINIO_ACCESS_KEY": "other",
        "HTTP_PROXY": "http://127.0.0.1:1", "http_proxy": "http://127.0.0.1:1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    with closing(opened(store, "obs://models/digits")) as files:
        assert list(files.list("model/"))


# --- a bad day ---------------------------------------------------------------------------------------


def failure_of(
    server: Scripted, credentials: ObjectStoreKeys | None = TEMPORARY, timeout: float = 5.0
) -> FilesUnavailable:
    """What comes of listing a bucket there."""
    files = ObsFiles(parse_endpoint(server.url), ObsPlace("models", "x"), credentials, timeout=timeout)
    with closing(files), pytest.raises(FilesUnavailable) as caught:
        list(files.list("model/"))
    shown = "".join(traceback.format_exception(caught.value)) + repr(files)
    assert not [secret for secret in SECRETS if secret in shown]
    assert str(caught.value).isprintable()
    return caught.value


def test_a_redirect_is_not_followed() -> None:
    """A security token in a header would go along to wherever it leads."""
    with Scripted(lambda _: Answer()) as elsewhere:
        to = f"{elsewhere.url}/models"
        with Scripted(lambda _: Answer(307, fault("TemporaryRedirect"), location=to)) as server:
            problem = failure_of(server)
            assert len(server.asked) == 1
            assert server.asked[0].headers["x-amz-security-token"] == TOKEN
        assert elsewhere.asked == []
    assert problem.code == "preflight-unavailable"
    assert "another region" in str(problem)


def test_an_error_of_the_store_is_tried_again_and_then_told() -> None:
    """Three requests in all; nothing of the answer but its code is shown."""
    with Scripted(
        lambda _: Answer(503, fault("SlowDown", f"key {Store.ACCESS_KEY} \x1b[31m"[:20]))
    ) as server:
        problem = failure_of(server)
        assert len(server.asked) == 3
    assert problem.code == "preflight-unavailable"
    assert "HTTP 503 SlowDown" in str(problem)


def test_an_error_that_passes_is_no_error() -> None:
    """The second answer counts."""
    answers = [Answer(500, fault("InternalError")), Answer(200, page("x/model/a"))]
    with Scripted(lambda _: answers.pop(0)) as server:
        files = ObsFiles(parse_endpoint(server.url), ObsPlace("models", "x"), None)
        with closing(files):
            assert list(files.list("model/")) == [("model/a", 1)]
        assert "authorization" not in server.asked[0].headers


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(200, b"<html><body>hello</body>", "text/html"), "did not answer as an object store"),
        (Answer(404, b"<html>", "text/html"), "HTTP 404"),
        (Answer(200, b"<a/>"), "did not answer as an object store"),
        (Answer(200, b"\xff\xfe"), "did not answer as an object store"),
        (Answer(403, b""), "refused access (HTTP 403"),
        (Answer(403, fault("SignatureDoesNotMatch", f"{Store.SECRET_KEY} {TOKEN}")), "the secret key is not"),
        (Answer(403, fault("RequestTimeTooSkewed")), "clock"),
        (Answer(403, fault("</x>")), "did not answer as an object store"),
        (Answer(403, fault("\u202eevil words")), "refused access (HTTP 403): "),
        (Answer(400, fault("ExpiredToken")), "get a new one"),
    ],
)  # fmt: skip
def test_every_other_answer_is_told_in_our_own_words(answer: Answer, words: str) -> None:
    """HTML, another document, no text, an empty refusal, one that repeats our secrets."""
    with Scripted(lambda _: answer) as server:
        problem = failure_of(server)
        assert len(server.asked) == 1
    assert words in str(problem)


def test_a_store_that_does_not_answer_is_given_up() -> None:
    """After the timeout of each attempt."""
    with Scripted(lambda _: Answer(delay=0.4)) as server:
        assert "did not answer within 0.1 s" in str(failure_of(server, timeout=0.1))


def test_a_store_that_is_not_there_is_told() -> None:
    """With the host's name."""
    with Scripted(lambda _: Answer()) as server:
        pass
    assert "127.0.0.1 cannot be reached" in str(failure_of(server))


@pytest.mark.parametrize("keys", [(), ("x/model/a",)])
def test_a_list_that_goes_in_circles_ends(keys: tuple[str, ...]) -> None:
    """A page that says there is more, for ever."""
    with Scripted(lambda _: Answer(200, page(*keys, truncated=True))) as server:
        assert "did not end" in str(failure_of(server))
        assert len(server.asked) == 60


def test_a_store_of_the_vendor_answers_in_a_namespace_of_its_own() -> None:
    """And marks empty directories with keys that end with a slash."""
    body = page("x/", "x/model/", "x/model/a", "y/b", namespace="http://obs.myhwclouds.com/doc/2015-06-30/")
    with Scripted(lambda _: Answer(200, body)) as server:
        files = ObsFiles(parse_endpoint(server.url), ObsPlace("models", "x"), RIGHT)
        with closing(files):
            assert list(files.list("model/")) == [("model/a", 1)]


def test_the_bucket_is_a_part_of_the_host_and_the_environments_proxy_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The vendor refuses buckets in the path; the proxy is asked for a way to the bucket's own host."""
    with Scripted(lambda _: Answer(502)) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        look = Examination("seed-2019", credentials=lambda: TEMPORARY)
        source = "https://models.obs.cn-north-4.myhuaweicloud.com/digits"
        (reason,) = look.examine(manifest(source_location=source))
    hosts = {asked.line.rpartition(" ")[0] for asked in proxy.asked}
    assert hosts == {"CONNECT models.obs.cn-north-4.myhuaweicloud.com:443"}
    assert not [s for s in SECRETS for asked in proxy.asked if s in str(asked)]
    assert reason.code == "preflight-unavailable"


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ("socks5://127.0.0.1:1", "names a proxy of kind 'socks5'"),
        ("http://robot:c4nary-secret@[::1", "is not the URL of a proxy"),
        ("http://:c4nary-secret@", "names no host"),
        ("http://a c4nary", "names no host"),
        ("http://c4naré:1", "names no host"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_named_as_for_the_registry(
    monkeypatch: pytest.MonkeyPatch, proxy: str, words: str
) -> None:
    """By its variable, and never shown: it may hold a password."""
    monkeypatch.setenv("https_proxy", proxy)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    look = Examination("seed-2019")
    source = "https://models.obs.cn-north-4.myhuaweicloud.com/digits"
    with pytest.raises(ConfigurationError, match=f"HTTPS_PROXY {words}") as raised:
        look.examine(manifest(source_location=source))
    assert "c4nary" not in str(raised.value)


def test_a_proxy_is_told_who_asks_and_may_go_without_a_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    """`user:password@host:port`, as for the registry."""
    with Scripted(lambda _: Answer(502)) as proxy:
        monkeypatch.setenv("https_proxy", f"robot:p%40ss@{proxy.url.partition('://')[2]}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        source = "https://models.obs.cn-north-4.myhuaweicloud.com/digits"
        Examination("seed-2019").examine(manifest(source_location=source))
    assert {asked.headers["proxy-authorization"] for asked in proxy.asked} == {"Basic cm9ib3Q6cEBzcw=="}


# --- whom a key is shown to --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "endpoint", "code"),
    [
        (f"{OLD}/digits", None, "not-examined"),
        ("obs://models/digits", None, "not-examined"),
        ("https://models.obs.evil.example/digits", None, "not-examined"),
        (
            "https://models.obs.evil.example/digits",
            "https://obs.cn-north-4.myhuaweicloud.com",
            "not-examined",
        ),
        (
            "https://models.obs.cn-north-1.myhuaweicloud.com/digits",
            "https://obs.cn-north-4.myhuaweicloud.com",
            "region",
        ),
    ],
)
def test_a_key_is_sent_to_the_configured_store_or_the_vendors_only(
    source: str, endpoint: str | None, code: str
) -> None:
    """A manifest's author chooses the address; here the key is not even asked for."""

    def never() -> ObjectStoreKeys:
        raise AssertionError

    look = Examination("seed-2019", credentials=never, endpoint=endpoint)
    assert codes(list(look.examine(manifest(source_location=source)))) == [code]


def test_credentials_that_cannot_be_had_are_a_matter_of_configuration() -> None:
    """The error that names the place comes through."""

    def broken() -> ObjectStoreKeys:
        raise ConfigurationError("secret file x cannot be read")

    look = Examination("seed-2019", credentials=broken, endpoint="http://127.0.0.1:1")
    with pytest.raises(ConfigurationError, match="secret file x"):
        look.examine(manifest(source_location="obs://models/digits"))


def test_an_endpoint_that_is_none_is_refused_at_once() -> None:
    """When the preflight is made, not at the first manifest."""
    with pytest.raises(ConfigurationError, match="https"):
        Examination("seed-2019", endpoint="http://obs.example")
