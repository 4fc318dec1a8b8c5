"""Abusive visitors: endless uploads, many files at once, invented paths."""

from __future__ import annotations

import contextlib
import gzip
import io
import random
import secrets
import socket
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.client import HTTPConnection
from typing import Any

import pytest
import uvicorn
from anyio import Lock
from PIL import Image
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from backend import LocalEngine, UpscaleOptions
from backend.errors import ImageTooLargeError
from tests.pictures import save
from webapp import tabs as tabs_module
from webapp.base.errors import TooManyPicturesError
from webapp.base.files import CHUNK_BYTES
from webapp.intake import large_picture
from webapp.intake.large_picture import decode_large
from webapp.intake.pictures import InputFile
from webapp.middleware import STATIC, CompressedFiles, SecurityHeaders
from webapp.result.downloads import LARGE_PIXELS, Archive, Download
from webapp.result.routes import MAX_WAITING
from webapp.routes import create_routes
from webapp.settings import PageSettings
from webapp.shared import Shared
from webapp.tabs import Tab
from webapp.wiring import create_shared
from webapp.work.enhance import Enhanced

BASE = "/sharp"


@pytest.fixture(scope="module")
def shared(engine: LocalEngine) -> Shared:
    settings = PageSettings(
        max_image_bytes=100_000, transfer_grace_seconds=2.0, min_bytes_per_second=100
    )
    return create_shared(settings, engine=engine)


@pytest.fixture(scope="module")
def port(shared: Shared) -> Iterator[int]:
    """The routes and middleware below a base path, around a stand-in for Streamlit."""
    rest = Route("/{path:path}", lambda request: PlainTextResponse("streamlit"))
    app = Starlette(
        routes=[*create_routes(lambda: shared, base=BASE), Mount("/", routes=[rest])],
        middleware=[Middleware(SecurityHeaders), Middleware(CompressedFiles, base=BASE)],
    )
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        threading.Event().wait(0.02)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()


@pytest.fixture
def tab(shared: Shared) -> Tab:
    return shared.tabs.open("ann")


def get(port: int, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Request the path exactly as written."""
    with contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", path, headers={"Accept-Encoding": "gzip", **headers})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


@contextlib.contextmanager
def begun_upload(port: int, tab: Tab, sent: int) -> Iterator[socket.socket]:
    """Begin an upload of 90,000 bytes of which so many have arrived."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        head = f"POST {BASE}/upload HTTP/1.1\r\nHost: a\r\nX-Tab: {tab.token}\r\nX-Name: a\r\n"
        connection.sendall(f"{head}Content-Length: 90000\r\n\r\n".encode() + bytes(sent))
        yield connection


def everything(connection: socket.socket) -> bytes:
    received = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65536):
            received += piece
    return received


def until(is_true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not is_true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_unfinished_uploads_count_for_their_tab(
    port: int, shared: Shared, tab: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tabs_module, "MAX_UPLOAD_BYTES", 150_000)
    before = shared.disk.nbytes
    with (
        begun_upload(port, tab, 80_000) as first,
        begun_upload(port, tab, 80_000) as second,
        ThreadPoolExecutor(2) as threads,
    ):
        answers = list(threads.map(everything, (first, second)))
    assert sorted(b"too_many_pictures" in answer for answer in answers) == [False, True]
    until(lambda: shared.disk.nbytes <= before)
    assert tab.pictures == {}
    with pytest.raises(TooManyPicturesError):  # one after the other they count, too
        tab.check_room(80_000)
    monkeypatch.setattr(tabs_module, "UNFINISHED_SECONDS", 0)
    tab.check_room(150_000)


@pytest.mark.parametrize("bound", ["MAX_PICTURES", "MAX_UPLOADS"])
def test_many_uploads_at_once_are_refused(
    port: int, tab: Tab, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(tabs_module, bound, 2)
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(begun_upload(port, tab, 10))
        until(lambda: len(tab._uploads) == 2)
        third = stack.enter_context(begun_upload(port, tab, 10))
        assert b"too_many_pictures" in everything(third)


def test_the_last_picture_that_a_tab_may_have_can_be_uploaded(
    port: int, tab: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tabs_module, "MAX_PICTURES", 1)
    with begun_upload(port, tab, 40_000) as connection:
        connection.sendall(bytes(50_000))
        until(lambda: len(tab.pictures) == 1)


def test_an_upload_that_stalls_is_ended(port: int, shared: Shared, tab: Tab) -> None:
    before = shared.disk.nbytes
    with begun_upload(port, tab, 1000) as connection:
        answer = everything(connection)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"request_timed_out" in answer
    until(lambda: shared.disk.nbytes <= before)


def test_an_upload_ends_with_its_tab(port: int, shared: Shared, tab: Tab) -> None:
    with begun_upload(port, tab, 1000) as connection:
        until(lambda: bool(tab._uploads))
        shared.tabs._tabs.pop(tab.token)
        connection.sendall(bytes(1000))
        assert everything(connection).startswith(b"HTTP/1.1 408 ")


@pytest.fixture
def download(shared: Shared, engine: LocalEngine) -> Download:
    """A finished result."""
    data = save(Image.effect_noise((60, 40), 50).convert("RGB"), "PNG")
    made = engine.upscale(data, UpscaleOptions(scale=2, model="fast", format="png"))
    master = shared.disk.store(made.data)
    result = Enhanced(
        upscaled=made, master=master, formats=("png", "jpeg", "webp"), side=shared.disk.store(b"x")
    )
    found = Download(
        name="a.png",
        scale="x2",
        result=result,
        disk=shared.disk,
        original=lambda: Image.new("L", (1, 1)),
    )
    shared.downloads[found.secret] = found
    return found


def test_many_qualities_at_once_are_made_one_after_the_other(
    port: int, download: Download, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, running, most = threading.Lock(), [0], [0]
    encode = Enhanced.encode

    def counted(self: Enhanced, format: str, **options: Any) -> bytes:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.05)
        with lock:
            running[0] -= 1
        return encode(self, format, **options)

    monkeypatch.setattr(Enhanced, "encode", counted)
    path = f"{BASE}/result/{download.secret}.webp?quality="
    with ThreadPoolExecutor(40) as threads:
        statuses = list(threads.map(lambda each: get(port, f"{path}{each}")[0], range(1, 41)))
    assert most[0] == 1
    assert set(statuses) <= {200, 503}
    assert statuses.count(200) >= MAX_WAITING


def test_a_small_result_does_not_wait_for_a_large_one(
    port: int, shared: Shared, download: Download, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The large one is encoded until both small ones are saved; the other large one waits."""
    huge = replace(download.result.upscaled, width=LARGE_PIXELS, height=2)
    results = [download.result, replace(download.result, upscaled=huge)]
    opened = [
        replace(download, result=each, secret=secrets.token_hex(), turn=Lock(), _variants={})
        for each in [*results, *results]
    ]
    for each in opened:
        shared.downloads[each.secret] = each
    begun, may_end, most = threading.Semaphore(0), threading.Event(), [0]
    encode = Enhanced.encode

    def held(self: Enhanced, format: str, **options: Any) -> bytes:
        if self.upscaled.width == LARGE_PIXELS:
            most[0] += 1
            begun.release()
            assert may_end.wait(20)
        return encode(self, "png")

    monkeypatch.setattr(Enhanced, "encode", held)

    def save_it(each: Download) -> int:
        return get(port, f"{BASE}/result/{each.secret}.webp?quality=90")[0]

    with ThreadPoolExecutor(2) as threads:
        first = [threads.submit(save_it, each) for each in opened[1::2]]
        assert begun.acquire(timeout=20)
        assert [save_it(each) for each in opened[::2]] == [200, 200]
        assert most == [1]
        may_end.set()
        assert [each.result() for each in first] == [200, 200]


def test_a_result_keeps_the_ending_that_tells_it_from_a_neighbours(download: Download) -> None:
    download.neighbours = lambda: ["b.png", "A.bmp"]

    assert download.file_name("png") == "a_x2.png"
    assert download.file_name("jpeg") == "a.png_x2.jpg"

    download.neighbours = lambda: ["b.png"]
    assert download.file_name("jpeg") == "a_x2.jpg"


def test_an_archive_is_never_in_memory(shared: Shared, download: Download) -> None:
    data = random.Random(1).randbytes(5 * CHUNK_BYTES)
    download.result = replace(download.result, master=shared.disk.store(data))
    pieces = list(Archive(downloads=lambda: [download, download]).chunks())
    assert max(len(each) for each in pieces) < CHUNK_BYTES + 1000
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["a_x2.png", "a_x2-2.png"]
        assert archive.read("a_x2-2.png") == data


def test_names_that_differ_in_case_only_are_two_files_on_every_system(download: Download) -> None:
    other = replace(download, name="A.png")
    pieces = Archive(downloads=lambda: [download, other]).chunks()
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        assert archive.namelist() == ["a_x2.png", "A_x2-2.png"]


@pytest.mark.parametrize("quality", ["0050999", "050", "0", "101", "1000", "5x", "", "%C2%B2"])
def test_an_invalid_quality_is_not_found(port: int, download: Download, quality: str) -> None:
    path = f"{BASE}/result/{download.secret}.webp?quality={quality}"
    assert get(port, path)[0] == 404


def script() -> str:
    return max((STATIC / "static" / "js").glob("*.js"), key=lambda path: path.stat().st_size).name


@pytest.mark.parametrize(
    "path",
    [
        "/static/7/../js/{}",
        "/static//js/{}",
        "/static/./js/{}",
        "/static/js/../js/{}",
        "/static/js/%2e/{}",
    ],
)
def test_a_made_up_path_to_a_file_is_not_compressed(port: int, path: str) -> None:
    headers = get(port, BASE + path.format(script()))[1]
    assert "content-encoding" not in headers


def test_the_files_below_a_base_path_are_compressed(port: int) -> None:
    _, headers, body = get(port, f"{BASE}/static/js/{script()}")
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(body) == (STATIC / "static" / "js" / script()).read_bytes()
    assert b"<h1>" in gzip.decompress(get(port, f"{BASE}/")[2])
    assert get(port, BASE)[2] == b"streamlit"


@pytest.mark.parametrize("door", ["/_stcore/metrics", "/_stcore/upload_file/a/b"])
@pytest.mark.parametrize("base", ["", BASE, "/other", f"{BASE}/"])
def test_the_doors_are_closed_below_any_path(port: int, base: str, door: str) -> None:
    assert get(port, base + door)[0] == 404


def test_a_large_transparent_picture_is_refused_by_its_header(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large_picture, "LARGEST_PIXELS", 3000)
    monkeypatch.setattr(large_picture, "LARGEST_PIXELS_WITH_ALPHA", 2000)
    opaque = Image.new("P", (60, 40))
    for image, options in ((opaque, {"transparency": 0}), (Image.new("RGBA", (60, 40)), {})):
        picture = InputFile.from_bytes(save(image, "PNG", **options), name="a", disk=shared.disk)
        with pytest.raises(ImageTooLargeError):
            decode_large(picture, decode=shared.decode)
    plain = InputFile.from_bytes(save(opaque, "PNG"), name="a", disk=shared.disk)
    assert decode_large(plain, decode=shared.decode).size == (60, 40)
