"""`img` accepts base64 and nothing else."""

from __future__ import annotations

import base64
import tracemalloc

import pytest

from backend.errors import PayloadTooLargeError, RequestError
from backend.options import UpscaleOptions
from backend.requests.parsing import UpscaleRequest
from backend.requests.sources.any_source import AnySource
from backend.settings import Settings

DATA = bytes(range(256)) * 3


def read(img: str, *, max_bytes: int = 10_000) -> bytes:
    request = UpscaleRequest(options=UpscaleOptions(), img=img)
    return AnySource(Settings()).read(request, max_bytes=max_bytes)


@pytest.mark.parametrize("length", range(1, 9))
def test_base64_gives_its_bytes_whatever_its_padding(length: int) -> None:
    text = base64.b64encode(DATA[:length]).decode()
    assert read(text) == read(text.rstrip("=")) == DATA[:length]


def test_the_alphabet_for_addresses_is_read() -> None:
    assert read(base64.urlsafe_b64encode(DATA).decode()) == DATA
    assert read(base64.urlsafe_b64encode(DATA[:-1]).decode().rstrip("=")) == DATA[:-1]


@pytest.mark.parametrize(
    "prefix",
    [
        "data:image/png;base64,",
        "data:image/svg+xml;base64,",
        "DATA:IMAGE/JPEG;BASE64,",
        "data:image/png;charset=utf-8;base64,",
        "data:image/jpeg;name=holiday%20%28large%29 1.jpg;base64,",
        "data:application/octet-stream;base64,",
        "data:binary/octet-stream;base64,",
        "data:;base64,",
    ],
)
def test_a_data_prefix_is_taken_off(prefix: str) -> None:
    assert read(prefix + base64.b64encode(DATA).decode()) == DATA


@pytest.mark.parametrize(
    "prefix",
    ["data:", "data:,", "data:text/html;base64,", "data:image/png,", "data:image/png;base64"],
)
def test_another_data_prefix_is_refused(prefix: str) -> None:
    with pytest.raises(RequestError) as caught:
        read(prefix + base64.b64encode(DATA).decode())
    assert caught.value.details == {"field": "img"}


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"])
def test_blanks_at_both_ends_are_passed_over(prefix: str) -> None:
    assert read(f" \n{prefix} \t{base64.b64encode(DATA).decode()}\r\n ") == DATA


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_wrapped_lines_are_read_as_tools_write_them(end: str) -> None:
    assert read(base64.encodebytes(DATA).decode().replace("\n", end)) == DATA


@pytest.mark.parametrize(
    "img",
    [
        "QUJD=",  # padding too much
        "QQ===",
        "QQ==QQ==",  # something after the padding
        "=QQ=",
        "Q",
        "QUJDQ",
        "QU JD",  # a space, as of a '+' that was decoded as one
        "QU\tJD",
        "QUJD\u00e9",
        "QUJD\u200b",
        "QUJD\x00",
        "QUJD\udc80",
        "====",
        "<svg/>",
    ],
)
def test_text_that_is_not_base64_is_refused(img: str) -> None:
    with pytest.raises(RequestError) as caught:
        read(img)
    assert type(caught.value) is RequestError
    assert caught.value.details == {"field": "img"}


@pytest.mark.parametrize("img", ["https://a.example/a.png", " HTTP://a.example", "s3://a/b.png"])
def test_an_address_is_sent_to_its_own_field(img: str) -> None:
    with pytest.raises(RequestError, match="an address goes into 'url'"):
        read(img)


@pytest.mark.parametrize("img", ["\n", "\r\n\r\n", "data:image/png;base64,"])
def test_base64_of_nothing_is_refused(img: str) -> None:
    with pytest.raises(RequestError):
        read(img)


@pytest.mark.parametrize("length", [766, 767, 768])
def test_as_many_bytes_as_the_limit_are_read_and_one_more_is_not(length: int) -> None:
    wrapped = "data:image/png;base64," + base64.encodebytes(DATA[:length]).decode()
    assert len(read(wrapped, max_bytes=length)) == length
    with pytest.raises(PayloadTooLargeError) as caught:
        read(wrapped, max_bytes=length - 1)
    assert caught.value.details == {"max_bytes": length - 1}


def test_too_much_is_refused_before_it_is_decoded() -> None:
    img = "Q" * (8 * 2**20)
    tracemalloc.start()
    try:
        with pytest.raises(PayloadTooLargeError, match="limit of 1 MiB"):
            read(img, max_bytes=2**20)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
