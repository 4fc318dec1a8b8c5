"""The memory of a picture is returned when it is done."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ALLOWED_GROWTH = 48
CODE = """
import io, os, sys
from pathlib import Path
from threading import Thread
from PIL import Image
from backend import Settings, UpscaleOptions, create_engine

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20

def picture(side):
    image = Image.linear_gradient("L").resize((side, side))
    image = Image.merge("RGBA", (image, image.rotate(90), image.rotate(180), image.rotate(270)))
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()

small, large = picture(64), picture(1024)
engine = create_engine(Settings())

def work(data):
    thread = Thread(target=engine.upscale, args=(data, UpscaleOptions(scale=2)))
    thread.start()
    thread.join()

work(small)
before = resident()
work(large)
print(resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_large_picture_leaves_no_memory_behind() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < ALLOWED_GROWTH
