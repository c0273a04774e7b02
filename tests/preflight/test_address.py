"""Where a source lies."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import ConfigurationError
from reconciler.preflight.address import (
    ImagePlace,
    LocalPlace,
    ObsPlace,
    image_fault,
    locate,
    obs_endpoint,
    parse_endpoint,
)
from reconciler.preflight.package import FilesUnavailable

CN = "obs.cn-north-4.myhuaweicloud.com"


@pytest.mark.parametrize(
    ("address", "place"),
    [
        (f"https://models.{CN}/a/b", ObsPlace("models", "a/b", CN, "cn-north-4")),
        (f"https://models.{CN}/a/b/", ObsPlace("models", "a/b", CN, "cn-north-4")),
        (f"https://models.{CN}", ObsPlace("models", "", CN, "cn-north-4")),
        (f"https://a.b.{CN}/x", ObsPlace("a.b", "x", CN, "cn-north-4")),
        (f"https://{CN}/models/a", ObsPlace("models", "a", CN, "cn-north-4")),
        (f"HTTPS://Models.{CN}:443/a".replace("Models", "models"), ObsPlace("models", "a", CN, "cn-north-4")),
        ("https://models.obs.myhwclouds.com/mnist", ObsPlace("models", "mnist", "obs.myhwclouds.com", None)),
        (
            "https://m01.obs.eu-de.otc.t-systems.com/x",
            ObsPlace("m01", "x", "obs.eu-de.otc.t-systems.com", "eu-de"),
        ),
        (f"https://models.{CN}/%E6%89%8B/a%20b", ObsPlace("models", "手/a b", CN, "cn-north-4")),
        ("obs://models/a/b/", ObsPlace("models", "a/b")),
        ("obs://models", ObsPlace("models", "")),
        ("/srv/models/mnist", LocalPlace("/srv/models/mnist")),
        ("./mnist", LocalPlace("./mnist")),
        ("file:///srv/a%20b", LocalPlace("/srv/a b")),
        ("swr.cn-north-4.myhuaweicloud.com/org/m:1", ImagePlace("swr.cn-north-4.myhuaweicloud.com/org/m:1")),
    ],
)
def test_every_form_of_address_is_understood(address: str, place: object) -> None:
    """The vendor's two https forms, its old domain, other sites, obs://, paths, file:// and images."""
    assert locate(address) == place


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("ftp://models/a", "scheme"),
        ("https://example.org/models/a", "endpoint"),
        (f"https://models.{CN}.evil.example/a", "endpoint"),
        (f"https://user:SECRET@models.{CN}/a", "credentials"),
        (f"https://models.{CN}/a?versionId=1", "?"),
        (f"https://models.{CN}/a/../b", ".."),
        (f"https://models.{CN}/a//b", "empty"),
        (f"https://models.{CN}/%2e%2e/b", ".."),
        (f"https://models.{CN}/%ff", "UTF-8"),
        ("https://[::1/a", "URL"),
        ("https://models.obs.cn-north-4.myhuaweicloud.com:99999/a", "URL"),
        ("obs://M/a", "bucket"),
        ("file://server/share", "file:///"),
    ],
)
def test_an_address_that_is_none_says_what_is_wrong(address: str, word: str) -> None:
    """Nothing is guessed; a secret in the address is not repeated."""
    with pytest.raises(FilesUnavailable, match="source_location") as caught:
        locate(address)
    assert word in str(caught.value)
    assert "SECRET" not in str(caught.value)


def test_the_host_of_the_configured_endpoint_is_understood_in_an_address() -> None:
    """A private site has a domain of its own; both ways of naming the bucket are read."""
    endpoint = parse_endpoint("https://obs.hub-1.cloud.example")
    place = ObsPlace("models", "a", "obs.hub-1.cloud.example", "hub-1")
    assert locate("https://models.obs.hub-1.cloud.example/a", endpoint) == place
    assert locate("https://obs.hub-1.cloud.example/models/a", endpoint) == place


@given(st.one_of(st.text(), st.from_regex(r"(?:https?|obs|file)://\S*", fullmatch=True)))
def test_any_text_is_a_place_or_a_told_problem(text: str) -> None:
    """A manifest's author can break nothing, and no prefix leaves its bucket."""
    with contextlib.suppress(FilesUnavailable):
        place = locate(text)
        if isinstance(place, ObsPlace):
            assert not {"..", "."} & set(place.prefix.split("/"))
            assert "//" not in place.prefix
            assert not place.prefix.startswith("/")


@pytest.mark.parametrize(
    "address",
    [
        "swr.cn-north-4.myhuaweicloud.com/org/mnist:1.0",
        "swr.cn-north-4.myhuaweicloud.com/org/mnist",
        "registry.example:5000/team/sub/mnist:v1",
        "swr.eu-de.otc.t-systems.com/org/m@sha256:" + "0" * 64,
    ],
)
def test_the_form_of_an_image_is_accepted(address: str) -> None:
    """With tag, without, with a port, with a digest."""
    assert image_fault(address) is None


@pytest.mark.parametrize(
    "address", ["mnist", "https://swr.x/org/m:1", "swr.x/Org/m", "swr.x/org/m:", "a b/c"]
)
def test_what_cannot_be_an_image_is_told(address: str) -> None:
    """No organisation, a scheme, capitals, an empty tag, a blank."""
    assert image_fault(address)


@pytest.mark.parametrize(
    ("registry", "store"),
    [
        ("https://modelarts.cn-north-4.myhuaweicloud.com", "https://obs.cn-north-4.myhuaweicloud.com"),
        ("https://modelarts.eu-de.otc.t-systems.com/", "https://obs.eu-de.otc.t-systems.com"),
        ("http://127.0.0.1:8080", None),
        ("https://[", None),
    ],
)
def test_the_store_of_a_registrys_region_is_known(registry: str, store: str | None) -> None:
    """The two services of a region differ in the first word of their hosts."""
    assert obs_endpoint(registry) == store


def test_the_bucket_stands_in_the_path_only_where_the_host_is_this_machine_or_a_number() -> None:
    """The vendor refuses buckets in the path since the end of 2023."""
    assert not parse_endpoint(f"https://{CN}").by_path
    assert parse_endpoint("http://localhost:9000").by_path
    assert parse_endpoint("https://10.0.0.7").by_path
    assert parse_endpoint("http://[::1]:9000").by_path


@pytest.mark.parametrize(
    "text",
    [
        "obs.example", "http://obs.example", "http://10.0.0.7", "https://u:SECRET@obs.example",
        "https://obs.example/a", "https://obs.example:x", "https://", "ftp://obs.example", "https://o?x=1",
    ],
)  # fmt: skip
def test_an_endpoint_that_is_none_is_a_matter_of_configuration(text: str) -> None:
    """Unencrypted ones too, unless they are this machine."""
    with pytest.raises(ConfigurationError) as caught:
        parse_endpoint(text)
    assert "SECRET" not in str(caught.value)
