"""The packages' licences are acceptable, and the page about them is true."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.paths import ROOT

TOOL = ROOT / ".tools" / "pip-licenses" / "bin" / "python"


@pytest.fixture
def tool() -> None:
    if not TOOL.exists():
        reason = "pip-licenses is missing: `make tools` sets it up"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.mark.usefixtures("tool")
def test_the_page_lists_the_licences_of_the_installed_packages() -> None:
    done = subprocess.run(
        [ROOT / "scripts" / "licenses.sh"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    page = (ROOT / "docs" / "licenses.md").read_text(encoding="utf-8")
    table = "".join(f"{line}\n" for line in page.splitlines() if line.startswith("|"))
    assert table == done.stdout, "run `make licenses`"


@pytest.mark.usefixtures("tool")
def test_a_copyleft_licence_is_refused() -> None:
    done = subprocess.run(
        [
            *(
                TOOL,
                "-m",
                "piplicenses",
                "--python",
                ROOT / ".venv" / "bin" / "python",
                "--packages",
                "tqdm",
            ),
            *("--partial-match", "--allow-only=MIT License"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "tqdm" in done.stderr
