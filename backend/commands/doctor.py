"""`python -m backend doctor`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from backend import __version__
from backend.commands import network_check
from backend.commands.lines import write_text
from backend.commands.protections import protections
from backend.errors import ModelError
from backend.factory import open_session, takes_openvino
from backend.inference import openvino_runtime
from backend.inference.onnx_session import available_providers
from backend.models.manifest import MANIFEST, SHIPPED, ModelSpec, entry_from, read_manifest
from backend.settings import Settings

PACKAGES = ("onnxruntime", "numpy", "pillow")
OPTIONAL_PACKAGES = {
    "starlette": "serve",
    "streamlit": "page",
    "boto3": "S3",
    "pi-heif": "HEIC, the format of iPhones",
    "onnx": "networks add",
}
"""The purpose of each package."""
UNLISTED = "no manifest entry names it, and it is unusable"


def run(arguments: argparse.Namespace, settings: Settings) -> int:  # noqa: ARG001
    """Return 0 if everything works, 1 if something is broken."""
    return Doctor(settings).examine()


class Doctor:
    """Examines everything, reports each finding at once, and counts the problems."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open = partial(open_session, settings=settings)
        self._problems = 0

    def examine(self) -> int:
        """Examine everything and return the exit code."""
        self._report("super-resolution", __version__)
        self._report(
            "Python", f"{platform.python_version()} on {platform.system()}, {platform.machine()}"
        )
        for package in PACKAGES:
            self._report(package, version(package))
        for package, purpose in OPTIONAL_PACKAGES.items():
            self._report(package, _version_or_absence(package, purpose=purpose))
        self._report("threads", f"{self._settings.threads} of {os.cpu_count()} processors")
        for protection, words in protections(self._settings):
            self._report(protection, words)
        self._check_runtime()
        self._check_providers()
        names: set[str] = set()
        for folder in (SHIPPED, self._settings.models_dir):
            if folder is not None:
                names |= self._check_folder(folder)
        if self._settings.model not in names:
            self._report_problem("SR_MODEL", f"there is no network named '{self._settings.model}'")
        write_text(
            sys.stdout,
            f"{self._problems} problem{'s' if self._problems > 1 else ''}\n"
            if self._problems
            else "all is well\n",
        )
        return 1 if self._problems else 0

    def _report(self, what: str, finding: str) -> None:
        write_text(sys.stdout, f"{what:<20} {finding}\n")

    def _report_problem(self, what: str, problem: str) -> None:
        self._problems += 1
        self._report(what, f"BROKEN: {problem.rstrip('.')}.")

    def _check_runtime(self) -> None:
        units = "has" if openvino_runtime.has_matrix_units() else "does not have"
        if not takes_openvino(self._settings):
            self._report("runtime", f"ONNX Runtime; the processor {units} units for bfloat16")
            return
        try:
            openvino_runtime.core()
        except ModelError as exc:
            self._report_problem("runtime", exc.message)
            return
        self._report("runtime", f"OpenVINO; the processor {units} units for bfloat16")

    def _check_providers(self) -> None:
        wanted = self._settings.providers
        try:
            found = available_providers(wanted)
        except ModelError as exc:
            self._report_problem("providers", exc.message)
            return
        self._report("providers", ", ".join(found))
        missing = [each for each in wanted if each != "auto" and each not in found]
        if missing:
            self._report_problem("providers", f"not installed here: {', '.join(missing)}")

    def _check_folder(self, folder: Path) -> set[str]:
        """Check a folder and return the names of the models in its manifest."""
        self._report("networks in", str(folder))
        if not folder.is_dir():
            self._report_problem("  folder", "it does not exist")
            return set()
        try:
            specs = read_manifest(folder)
        except ModelError as exc:
            specs = []
            self._report_problem(f"  {MANIFEST}", exc.message)
        for spec in specs:
            self._check_network(spec)
        described = {path for spec in specs for path in spec.paths}
        for path in sorted(folder.glob("*.onnx")):
            if path not in described:
                self._suggest_entry(path)
        return {spec.name for spec in specs}

    def _check_network(self, spec: ModelSpec) -> None:
        what = f"  {spec.name} x{spec.scale}"
        verdict = network_check.check(spec, self._open)
        if verdict.problem is not None:
            self._report_problem(what, f"{spec.path.name}: {verdict.problem}")
            return
        seconds = verdict.seconds_per_megapixel or 0.0
        seal = "sha256 right" if spec.sha256 else "no sha256 in the manifest"
        self._report(
            what,
            f"works; {seal}; tiles equal the whole; {seconds:.2f} s per LR megapixel, "
            f"{1 / seconds:.4g} LR megapixels per second",
        )

    def _suggest_entry(self, path: Path) -> None:
        """Print an entry for a file without one; it is a problem only if it cannot be used."""
        what = f"  {path.name}"
        try:
            spec = network_check.describe(path, self._open)
        except ModelError as exc:
            self._report_problem(
                what, f"no manifest entry names it, and it is no use: {exc.message}"
            )
            return
        problem = network_check.check(spec, self._open).problem
        if problem is not None:
            self._report_problem(what, f"{UNLISTED}: {problem}")
            return
        self._report(what, f"no entry of {MANIFEST} names it; this one would:")
        entries = {"models": [entry_from(spec, path.parent)]}
        write_text(sys.stdout, json.dumps(entries, indent=2) + "\n")


def _version_or_absence(package: str, *, purpose: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return f"not installed; needed for {purpose}"
