"""The page's own HTTP: uploads, downloads, compressed files and security headers."""

from __future__ import annotations

import gc
import gzip
import io
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import uvicorn
from PIL import Image
from requests import Response, Session
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from backend import LocalEngine, UpscaleOptions
from webapp import tabs as tabs_module
from webapp.base.files import StoredFile
from webapp.intake.pictures import InputFile
from webapp.middleware import (
    EMPTY_ROOT,
    FONT_PRELOAD,
    HEADERS,
    STATIC,
    STYLE,
    CompressedFiles,
    SecurityHeaders,
    content_security_policy,
    first_page,
)
from webapp.result import downloads, routes
from webapp.result import state as result_state
from webapp.result import zoom as detail_module
from webapp.result.downloads import Download
from webapp.routes import create_routes
from webapp.settings import PageSettings
from webapp.shared import Shared
from webapp.tabs import Tab
from webapp.wiring import create_shared
from webapp.work import state as work
from webapp.work.enhance import Enhanced, EnhanceRequest

SECONDS = 300.0
EXIF, DATE = 0x8769, 0x9003


@pytest.fixture(scope="module")
def shared(engine: LocalEngine) -> Shared:
    return create_shared(PageSettings(max_image_bytes=100_000), engine=engine)


@pytest.fixture
def tab(shared: Shared) -> Tab:
    return shared.tabs.open("ann")


@pytest.fixture(scope="module")
def address(shared: Shared) -> Iterator[str]:
    """The routes and middleware around a stand-in for Streamlit."""
    rest = Route("/{path:path}", lambda request: PlainTextResponse("streamlit"))
    app = Starlette(
        routes=[*create_routes(lambda: shared), Mount("/", routes=[rest])],
        middleware=[Middleware(SecurityHeaders), Middleware(CompressedFiles)],
    )
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        threading.Event().wait(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def client() -> Iterator[Session]:
    with Session() as session:
        session.trust_env = False
        yield session


def test_an_upload_is_stored_for_its_tab(
    client: Session, address: str, tab: Tab, photo_bytes: Callable[..., bytes]
) -> None:
    data = photo_bytes("PNG")
    headers = {"X-Tab": tab.token, "X-Name": "%E7%8C%AB.png"}

    answer = client.post(f"{address}/upload", data=data, headers=headers)

    digest = answer.json()["digest"]
    assert list(tab.pictures) == [digest]
    assert tab.pictures[digest].name == "猫.png"
    assert tab.pictures[digest].file.read() == data


@pytest.mark.parametrize("token", ["", "guess", "A" * 32])
def test_an_upload_for_no_tab_is_refused(client: Session, address: str, token: str) -> None:
    answer = client.post(f"{address}/upload", data=b"x", headers={"X-Tab": token})

    assert answer.status_code == 403


def test_a_tab_says_goodbye(client: Session, address: str, tab: Tab) -> None:
    known = client.post(f"{address}/leave", data=tab.token)
    endless = client.post(f"{address}/leave", data="x" * 65)

    assert (known.status_code, endless.status_code) == (204, 413)
    assert tab.left is not None


def test_a_link_that_is_refused_is_an_ordinary_answer(
    client: Session, address: str, tab: Tab
) -> None:
    link = "http://127.0.0.1/picture.png"

    answer = client.post(f"{address}/link", data=link, headers={"X-Tab": tab.token})
    stranger = client.post(f"{address}/link", data=link, headers={"X-Tab": "guess"})
    endless = client.post(f"{address}/link", data="x" * 20_000, headers={"X-Tab": tab.token})

    assert (answer.status_code, answer.json()) == (200, {"error": "source_not_allowed"})
    assert stranger.status_code == 403
    assert endless.json() == {"error": "payload_too_large"}
    assert tab.pictures == {}


@pytest.mark.parametrize(
    ("data", "status", "error"),
    [(b"", 400, "empty_file"), (bytes(100_001), 413, "payload_too_large")],
)
def test_a_refused_upload_is_named_and_leaves_nothing(
    client: Session,
    address: str,
    tab: Tab,
    shared: Shared,
    data: bytes,
    status: int,
    error: str,
) -> None:
    before = shared.disk.nbytes

    answer = client.post(f"{address}/upload", data=data, headers={"X-Tab": tab.token})

    assert (answer.status_code, answer.json()) == (status, {"error": error})
    assert tab.pictures == {}
    assert shared.disk.nbytes == before


def test_a_folder_is_sifted_by_the_rule_of_the_command_line(
    client: Session, address: str, tab: Tab
) -> None:
    names = ["/in/a.jpg", "/in/a_x2.png", "/in/._a.jpg", "/in/b.JFIF", "/in/c.txt", "/a_x2.png"]

    answer = client.post(f"{address}/folder", json=names, headers={"X-Tab": tab.token})

    assert answer.json() == {"pictures": [0, 3, 5]}


@pytest.mark.parametrize(
    ("data", "status"),
    [(b"[", 400), (b"{}", 400), (b"[1]", 400), (b"[" * 100_000, 400), (b" " * 2**20 + b"[]", 413)],
)
def test_bodies_that_are_no_list_of_names_are_refused(
    client: Session, address: str, tab: Tab, data: bytes, status: int
) -> None:
    answer = client.post(f"{address}/folder", data=data, headers={"X-Tab": tab.token})

    assert answer.status_code == status


def test_a_folder_for_no_tab_is_refused(client: Session, address: str) -> None:
    assert client.post(f"{address}/folder", json=[]).status_code == 403


def test_a_tab_with_too_many_pictures_is_told(
    client: Session, address: str, tab: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tabs_module, "MAX_PICTURES", 0)

    answer = client.post(f"{address}/upload", data=b"x", headers={"X-Tab": tab.token})

    assert answer.json() == {"error": "too_many_pictures"}


@pytest.fixture
def secret(shared: Shared, tab: Tab, photo_bytes: Callable[..., bytes]) -> str:
    """The address of a finished result's download."""
    return download(shared, tab, photo_bytes("PNG"))


def download(shared: Shared, tab: Tab, data: bytes) -> str:
    picture = InputFile.from_bytes(data, name="a b.png", disk=shared.disk)
    request = EnhanceRequest(digest=picture.digest, options=UpscaleOptions(scale=2, model="fast"))
    work.start(shared, tab, picture, request)
    assert tab.jobs[request].wait(SECONDS)
    result = work.result(shared, tab, picture, request)
    assert isinstance(result, Enhanced)
    return result_state.download(shared, tab, picture, result).secret


@pytest.mark.parametrize(
    ("name", "media_type", "start"),
    [
        ("png", "image/png", b"\x89PNG"),
        ("jpeg?quality=70", "image/jpeg", b"\xff\xd8"),
        ("webp", "image/webp", b"RIFF"),
    ],
)
def test_a_result_is_downloaded_in_every_format(
    client: Session, address: str, secret: str, name: str, media_type: str, start: bytes
) -> None:
    answer = client.get(f"{address}/result/{secret}.{name}")
    head = client.head(f"{address}/result/{secret}.{name}")

    assert answer.content.startswith(start)
    assert answer.headers["Content-Type"] == media_type
    assert answer.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''a%20b_x2")
    assert head.headers["Content-Length"] == str(len(answer.content))


@pytest.mark.parametrize("name", ["gif", "png?quality=0", "png?quality=many", "exe"])
def test_formats_that_a_result_is_not_offered_in_are_not_found(
    client: Session, address: str, secret: str, name: str
) -> None:
    assert client.get(f"{address}/result/{secret}.{name}").status_code == 404


def test_date_and_resolution_are_kept_on_request_only(
    client: Session, address: str, shared: Shared, tab: Tab, photo: Image.Image
) -> None:
    exif = Image.Exif()
    exif[EXIF] = {DATE: "2021:05:03 14:30:00"}
    file = io.BytesIO()
    photo.save(file, "JPEG", dpi=(300, 300), exif=exif.tobytes())
    secret = download(shared, tab, file.getvalue())

    without, kept = (
        Image.open(io.BytesIO(client.get(f"{address}/result/{secret}.jpeg{query}").content))
        for query in ("", "?keep=1")
    )

    assert not without.getexif()
    assert kept.getexif().get_ifd(EXIF) == {DATE: "2021:05:03 14:30:00"}
    assert kept.info["dpi"] == (300, 300)
    assert np.array_equal(np.asarray(without), np.asarray(kept))


def test_every_pixel_of_both_sides_can_be_looked_at(
    client: Session,
    address: str,
    secret: str,
    photo: Image.Image,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (detail_module, routes):
        monkeypatch.setattr(module, "TILE_SIDE", 80)
    whole = Image.open(io.BytesIO(client.get(f"{address}/result/{secret}.png").content))

    def piece(name: str) -> Image.Image:
        answer = client.get(f"{address}/detail/{secret}/{name}.webp")
        assert answer.headers["Content-Type"] == "image/webp"
        return Image.open(io.BytesIO(answer.content))

    for name, expected in [
        ("after/0-0", whole.crop((0, 0, 80, 80))),
        ("after/1-0", whole.crop((80, 0, 160, 80))),
        ("after/2-1", whole.crop((160, 80, 192, 128))),
        ("before/0-0", photo.crop((0, 0, 80, 64))),
        ("before/1-0", photo.crop((80, 0, 96, 64))),
    ]:
        assert np.array_equal(np.asarray(piece(name)), np.asarray(expected)), name


@pytest.mark.parametrize("path", ["after/1-0", "after/0-1", "before/1-0", "middle/0-0"])
def test_addresses_outside_of_the_picture_are_not_found(
    client: Session, address: str, secret: str, path: str
) -> None:
    assert client.get(f"{address}/detail/{secret}/{path}.webp").status_code == 404
    assert client.get(f"{address}/detail/{'A' * 32}/{path}.webp").status_code == 410


def test_the_pixels_leave_the_disk_with_the_result(
    client: Session, address: str, shared: Shared, tab: Tab, photo_bytes: Callable[..., bytes]
) -> None:
    gc.collect()
    before = shared.disk.nbytes
    secret = download(shared, tab, photo_bytes("PNG"))
    stored = shared.disk.nbytes

    client.get(f"{address}/detail/{secret}/after/0-0.webp")

    assert shared.disk.nbytes == stored + 192 * 128 * 3
    for digest in [request.digest for request in tab.results()]:
        tab.remove(digest)
    tab.inspections.clear()
    # The server's thread releases the picture a moment after its answer.
    until = time.monotonic() + 60
    while shared.disk.nbytes != before and time.monotonic() < until:
        gc.collect()
        time.sleep(0.02)
    assert shared.disk.nbytes == before


def get(address: str) -> Response:
    """Ask in a connection of its own."""
    with Session() as session:
        session.trust_env = False
        return session.get(address, timeout=SECONDS)


def test_pieces_do_not_wait_for_a_large_file_that_is_made(
    client: Session,
    address: str,
    shared: Shared,
    tab: Tab,
    photo_bytes: Callable[..., bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only the first decodes, which takes memory as the file does, and not at the same time."""
    monkeypatch.setattr(downloads, "LARGE_PIXELS", 0)
    monkeypatch.setattr(detail_module, "TILE_SIDE", 80)
    monkeypatch.setattr(routes, "TILE_SIDE", 80)
    secret = download(shared, tab, photo_bytes("PNG"))
    client.get(f"{address}/detail/{secret}/after/0-0.webp")
    begun, free, decoded = threading.Event(), threading.Event(), threading.Event()

    def held(*_: object, **__: object) -> StoredFile:
        begun.set()
        free.wait(SECONDS)
        return shared.disk.store(b"file")

    def picture(*_: object) -> Image.Image:
        decoded.set()
        return Image.new("RGB", (96, 64))

    monkeypatch.setattr(Download, "file", held)
    monkeypatch.setattr(Download, "picture", picture)
    with ThreadPoolExecutor() as pool:
        file = pool.submit(get, f"{address}/result/{secret}.png")
        try:
            assert begun.wait(SECONDS)
            answer = client.get(f"{address}/detail/{secret}/after/1-0.webp", timeout=SECONDS / 4)
            assert answer.status_code == 200
            first = pool.submit(get, f"{address}/detail/{secret}/before/0-0.webp")
            assert not decoded.wait(0.5)
        finally:
            free.set()
        assert file.result().content == b"file"
        assert first.result().status_code == 200


def test_a_result_is_gone_with_its_tab_and_cannot_be_guessed(
    client: Session, address: str, secret: str, tab: Tab
) -> None:
    assert client.get(f"{address}/result/{'A' * 32}.png").status_code == 410
    for digest in [request.digest for request in tab.results()]:
        tab.remove(digest)

    assert client.get(f"{address}/result/{secret}.png").status_code == 410
    assert client.head(f"{address}/result/{secret}.png").status_code == 204


def test_every_answer_has_the_security_headers(client: Session, address: str) -> None:
    expected = HEADERS | {"Content-Security-Policy": content_security_policy()}
    for path in ("/", "/anything", "/result/none.png"):
        headers = client.get(address + path).headers
        assert {name: headers[name] for name in expected} == expected


def test_no_foreign_origin_is_allowed() -> None:
    policy = content_security_policy()

    assert "http" not in policy
    assert "http" in content_security_policy(foreign_origin="https://example.com")
    assert "*" not in policy
    assert "frame-ancestors 'self'" in policy


def test_texts_are_not_run_as_scripts() -> None:
    assert "unsafe-eval" not in content_security_policy()


@pytest.mark.parametrize("path", ["/_stcore/metrics", "/_stcore/upload_file/a/b"])
def test_paths_that_nobody_needs_are_closed(client: Session, address: str, path: str) -> None:
    assert client.get(address + path).status_code == 404


def test_streamlits_files_are_sent_compressed(client: Session, address: str) -> None:
    script = max((STATIC / "static" / "js").glob("*.js"), key=lambda path: path.stat().st_size)

    answer = client.get(f"{address}/static/js/{script.name}", stream=True)
    sent = answer.raw.read()

    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(sent) == script.read_bytes()
    assert len(sent) < script.stat().st_size / 2
    assert "immutable" in answer.headers["Cache-Control"]


def test_the_first_page_is_compressed_and_not_kept(client: Session, address: str) -> None:
    answer = client.get(f"{address}/")

    assert EMPTY_ROOT in (STATIC / "index.html").read_text()
    assert FONT_PRELOAD.search((STATIC / "index.html").read_text())
    assert "woff2" not in answer.text
    assert answer.content == first_page("en")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Cache-Control"] == "no-cache"


def test_there_is_something_to_read_before_any_script_has_come(
    client: Session, address: str
) -> None:
    answer = client.get(f"{address}/", headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"})

    assert "<h1>让图片变清晰</h1>" in answer.text
    assert f"<style>{STYLE.read_text()}</style></body>" in answer.text
    assert '<html lang="zh-Hans"' in answer.text


def test_browsers_without_compression_get_streamlits_own_files(
    client: Session, address: str
) -> None:
    answer = client.get(f"{address}/", headers={"Accept-Encoding": "identity"})

    assert answer.text == "streamlit"


@pytest.mark.parametrize(
    "path", ["/static/../../../pyproject.toml", "/static/%2e%2e/%2e%2e/version.py", "/static/none"]
)
def test_only_streamlits_own_files_are_read(client: Session, address: str, path: str) -> None:
    assert client.get(address + path).text == "streamlit"
