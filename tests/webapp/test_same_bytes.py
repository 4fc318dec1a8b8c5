"""One file gives the same bytes by every face, however its colours are described."""

from __future__ import annotations

import base64
import io
import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend import LocalEngine, RequestHandler, Settings, UpscaleOptions, Watch
from backend.__main__ import main
from backend.images.colour import DISPLAY_P3
from backend.images.formats import RESULT_FORMATS
from backend.images.icc import make_profile
from backend.images.picture import decode
from backend.requests.sources.any_source import AnySource
from benchmarks.hostile_files import chunk
from tests.hostile.corpus import adobe_exif, scene
from tests.pictures import save
from webapp.base.files import Disk
from webapp.intake.pictures import InputFile, inspect
from webapp.result.downloads import Download
from webapp.work.enhance import EnhanceRequest, enhance

OPTIONS = UpscaleOptions(scale=2, model="fast")
SETTINGS = Settings(allow_web_sources=False)
FORMATS_BY_ENDING = {ending: each.name for ending, each in RESULT_FORMATS.items()}
LINEAR = chunk(b"gAMA", struct.pack(">I", 100_000))
PQ = chunk(b"cICP", b"\x09\x10\0\1")


def p3() -> bytes:
    return save(scene(), "PNG", icc_profile=make_profile(DISPLAY_P3, gamma=None, is_gray=False))


def wide(*chunks: bytes) -> bytes:
    """A grey PNG of 16 bits."""
    levels = np.asarray(scene().convert("L")).astype(np.uint16) * 257 + 5
    whole = save(Image.fromarray(levels), "PNG", dpi=(300, 300))
    return whole[:33] + b"".join(chunks) + whole[33:]


def p3_avif() -> bytes:
    whole = save(scene(), "AVIF", quality=90)
    at = whole.index(b"colrnclx") + 8
    return whole[:at] + struct.pack(">HH", 12, 13) + whole[at + 4 :]


FILES: dict[str, Callable[[], bytes]] = {
    "p3.png": p3,
    "wide.png": wide,
    "linear.png": lambda: wide(LINEAR),
    "hdr.png": lambda: wide(PQ),
    "p3.avif": p3_avif,
    "adobe.jpg": lambda: save(scene(), "JPEG", quality=90, exif=adobe_exif()),
}


@pytest.fixture(params=FILES)
def picture(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "in" / str(request.param)
    path.parent.mkdir()
    path.write_bytes(FILES[path.name]())
    return path


def from_api(data: bytes, engine: LocalEngine) -> bytes:
    body = {"img": base64.b64encode(data).decode(), "scale": 2, "model": "fast"}
    handler = RequestHandler(engine, AnySource(SETTINGS), SETTINGS)
    return base64.b64decode(json.loads(handler.handle(json.dumps(body).encode()).body)["result"])


def from_page(path: Path, engine: LocalEngine, disk: Disk) -> bytes:
    file = InputFile.from_bytes(path.read_bytes(), name=path.name, disk=disk)
    inspection = inspect(file, decode=decode, max_side=4096, disk=disk)
    request = EnhanceRequest(digest=file.digest, options=OPTIONS)
    made = enhance(path.read_bytes(), request, inspection, engine=engine, disk=disk, watch=Watch())
    download = Download(
        name=path.name,
        scale="x2",
        result=made,
        disk=disk,
        original=lambda: Image.new("L", (1, 1)),
        natural=inspection.format,
        kept=inspection.kept,
        is_chroma_halved=inspection.is_chroma_halved,
    )
    return download.file(download.format, keeps=True).read()


def only_file(folder: Path) -> Path:
    (path,) = (each for each in folder.iterdir() if each.is_file())
    return path


def test_every_face_makes_the_same_file(
    picture: Path, tmp_path: Path, engine: LocalEngine, disk: Disk
) -> None:
    made, bulk = tmp_path / "made", tmp_path / "bulk"

    assert main(["upscale", str(picture), "-o", f"{made}/", "--model", "fast"]) == 0
    result = only_file(made).read_bytes()
    # By itself bulk chooses by the suffix: a WebP for an AVIF, which may be transparent.
    kind = FORMATS_BY_ENDING[only_file(made).suffix]
    arguments = ["bulk", str(picture.parent), str(bulk), "--model", "fast", "--format", kind]
    assert main(arguments) == 0

    assert from_api(picture.read_bytes(), engine) == result
    assert from_page(picture, engine, disk) == result
    assert only_file(bulk).read_bytes() == result
    with Image.open(io.BytesIO(result)) as opened:
        assert opened.size == (scene().width * 2, scene().height * 2)
