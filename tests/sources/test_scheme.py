"""The form of `url`, before anything is resolved."""

from __future__ import annotations

import pytest

from backend.errors import RequestError, SourceNotAllowedError, SuperResolutionError
from backend.options import UpscaleOptions
from backend.requests.parsing import UpscaleRequest
from backend.requests.sources.any_source import AnySource
from backend.settings import Settings
from tests.sources.loopback import Internet


def read(url: str, settings: Settings | None = None) -> bytes:
    request = UpscaleRequest(options=UpscaleOptions(), url=url)
    return AnySource(settings or Settings()).read(request, max_bytes=1000)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        "file:/etc/passwd",
        "ftp://pictures.example/cat.png",
        "gopher://pictures.example:80/_GET",
        "data:image/png;base64,QUJD",
        "javascript:alert(1)",
        "jar:http://pictures.example!/",
        "httpx://pictures.example/",
        "http+unix://%2Frun%2Fsocket/",
        "localhost:80/cat.png",
    ],
)
def test_another_scheme_is_not_allowed(url: str, internet: Internet) -> None:
    with pytest.raises(SourceNotAllowedError):
        read(url, Settings(allow_private_sources=True))
    assert internet.connections == []


def test_a_data_url_is_sent_to_its_own_field() -> None:
    with pytest.raises(SourceNotAllowedError, match="send it as 'img'"):
        read("data:image/png;base64,QUJD", Settings())


@pytest.mark.parametrize(
    "url",
    [
        "pictures.example/cat.png",
        "//pictures.example/cat.png",
        "/etc/passwd",
        "http:pictures.example",
        "http:/pictures.example",
        "http://",
        "http:///cat.png",
        "http://:80/",
        "http://?a",
        "http://*.example/",
        "http://.example/",
        "http://[::1/",
        "http://[zz]/",
        "http://pictures.example:port/",
        "http://pictures.example:99999/",
        "http://pictures.example:-80/",
        f"http://{'a' * 64}.example/",
        f"http://{'b' * 64}\u00e9.example/",
        "http://xn--\u00e9.example/",
        "http://\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3/",  # circled letters
        "http://\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54/",  # full-width letters
        "http://127\u30020\u30020\u30021/",  # ideographic full stops
        "http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460/",  # circled digits
        "http://local\u00adhost/",  # a soft hyphen
        "http://pictures.example\uff0f.inside.example/",  # a full-width slash
        "http://pictures.example\u2100.inside.example/",  # becomes a/c
    ],
)
def test_texts_that_are_no_address_are_refused(url: str, internet: Internet) -> None:
    with pytest.raises(RequestError) as caught:
        read(url)
    assert caught.value.details == {"field": "url"}
    assert internet.connections == []


@pytest.mark.parametrize(
    "hidden",
    [*" \t\r\n\x00\x7f\\\u00a0\u200b\u202e\u2028\ufeff\ud800", "\r\nHost: other"],
    ids=ascii,
)
@pytest.mark.parametrize("place", ["{}http://a.example/", "http://a{}.example/", "http://a/{}b"])
def test_hidden_characters_are_refused(hidden: str, place: str, internet: Internet) -> None:
    with pytest.raises(RequestError):
        read(place.format(hidden))
    assert internet.connections == []


def test_an_endless_address_is_refused() -> None:
    with pytest.raises(RequestError, match="8192"):
        read("http://a.example/" + "a" * 8192)


@pytest.mark.parametrize(
    "url",
    [
        "http://user:secret@pictures.example/",
        "http://user@pictures.example/",
        "http://@pictures.example/",
        "http://:@pictures.example/",
        "http://pictures.example@127.0.0.1/",
        "http://pictures.example%40x@127.0.0.1/",
        "http://a@b@127.0.0.1/",
    ],
)
@pytest.mark.parametrize("relaxed", [False, True])
def test_credentials_are_not_allowed(url: str, relaxed: bool, internet: Internet) -> None:
    with pytest.raises(SourceNotAllowedError) as caught:
        read(url, Settings(allow_private_sources=relaxed))
    assert "secret" not in caught.value.message
    assert internet.connections == []


@pytest.mark.parametrize("port", [1, 22, 25, 79, 81, 442, 444, 3306, 8080, 65535])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_other_ports_are_not_allowed(scheme: str, port: int, internet: Internet) -> None:
    with pytest.raises(SourceNotAllowedError):
        read(f"{scheme}://93.184.216.34:{port}/")
    assert internet.connections == []


def test_the_message_says_what_works_where_the_web_is_closed() -> None:
    with pytest.raises(SourceNotAllowedError, match=r"'img'.*s3://"):
        read("https://pictures.example/cat.png", Settings(allow_web_sources=False))


def test_no_source_at_all_is_refused() -> None:
    with pytest.raises(SuperResolutionError) as caught:
        AnySource(Settings()).read(UpscaleRequest(options=UpscaleOptions()), max_bytes=1)
    assert caught.value.code == "invalid_request"
