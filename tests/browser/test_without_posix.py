"""The page in a browser, served by a Python without POSIX modules."""

from __future__ import annotations

import os
from pathlib import Path

from playwright.sync_api import Page

from testbed.visitor import enter
from tests.browser.conftest import StartServer
from tests.paths import ROOT

WITHOUT_POSIX = ROOT / "tests" / "portability" / "without_posix"


def test_the_first_comparison_is_shown(
    page: Page, streamlit_server: StartServer, tmp_path: Path
) -> None:
    path = os.pathsep.join([str(WITHOUT_POSIX), str(ROOT)])
    env = {"PYTHONPATH": path, "TMPDIR": str(tmp_path), "SR_MODEL": "fast"}
    enter(page, streamlit_server("webapp/app.py", env=env))
