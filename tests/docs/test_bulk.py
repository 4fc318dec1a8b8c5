"""The example for Ray runs as docs/bulk.md names it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from backend import LocalEngine
from testbed.bulk_runs import assert_right, draw_all
from tests.paths import ROOT

EXAMPLE = ROOT / "deploy" / "ray_bulk.py"
RAY = ROOT / ".tools" / "ray"
PICTURES = 40
SECONDS = 600
ALONE = ("unshare", "--map-root-user", "--net")
"""A network namespace with 127.0.0.1 alone, since Ray listens on every address."""
ON_THIS_MACHINE = """
import fcntl, socket, struct

SIOCSIFFLAGS, IFF_UP = 0x8914, 1
with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))

import ray

ray.init(
    num_cpus=2, include_dashboard=False, _node_ip_address="127.0.0.1", object_store_memory=2**27
)
"""
"""The configuration that keeps Ray from looking for a cluster."""


@pytest.fixture
def ray() -> Path:
    """The folder that Ray is imported from."""
    if not RAY.exists():
        reason = "Ray is missing: `make tools` sets it up"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return RAY


def test_two_actors_of_ray_do_forty_pictures_and_report_a_broken_one(
    tmp_path: Path, engine: LocalEngine, ray: Path
) -> None:
    photos = tmp_path / "photos"
    draw_all(photos, PICTURES - 1)
    (photos / "broken.jpg").write_bytes(b"\xff\xd8 and no more")
    done = subprocess.run(
        [*ALONE, sys.executable, "-c", ON_THIS_MACHINE + EXAMPLE.read_text()],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(ray))),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_worker_niceness": "0",
        },
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [each.read_text().splitlines() for each in (tmp_path / "report").glob("*.json")]
    rows = {row["key"]: row for each in lines for row in map(json.loads, each)}
    assert len(rows) == PICTURES
    failed = rows.pop("broken.jpg")
    assert (failed["outcome"], failed["error"]) == ("failed", "invalid_image")
    assert {row["outcome"] for row in rows.values()} == {"done"}
    assert_right(photos, tmp_path / "large", engine)
