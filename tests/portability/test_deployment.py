"""Images, compose, Kubernetes and workflows agree with the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from backend import Settings, __version__
from backend.settings import PREFIX
from tests.paths import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MANIFESTS = (ROOT / "compose.yaml", ROOT / "deploy" / "kubernetes.yaml")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_its_commit(workflow: Path) -> None:
    used = re.findall(r"uses: (\S+)(.*)", workflow.read_text(encoding="utf-8"))
    assert used
    for action, comment in used:
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action)
        assert re.fullmatch(r" # v[\d.]+", comment)


@pytest.mark.parametrize("tool", ["pipx", "uv"])
def test_every_system_tries_the_installers_that_are_locked(tool: str) -> None:
    locked = (ROOT / "scripts" / "tools" / f"{tool}.txt").read_text(encoding="utf-8").strip()
    assert locked in (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: path.name)
def test_a_manifest_names_only_settings_that_exist(manifest: Path) -> None:
    names = set(re.findall(rf"\b{PREFIX}[A-Z_]+", manifest.read_text(encoding="utf-8")))
    assert names <= {PREFIX + each.upper() for each in vars(Settings())}


def test_as_many_threads_as_processors() -> None:
    deployment = next(yaml.safe_load_all(MANIFESTS[1].read_text(encoding="utf-8")))
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    threads = next(each["value"] for each in container["env"] if each["name"] == "SR_THREADS")
    assert threads == container["resources"]["limits"]["cpu"]
    services = yaml.safe_load(MANIFESTS[0].read_text(encoding="utf-8"))["services"]
    for name in ("page", "server"):
        assert services[name]["environment"]["SR_THREADS"] == str(services[name]["cpus"])


def test_the_cluster_runs_this_version() -> None:
    assert f":{__version__}\n" in MANIFESTS[1].read_text(encoding="utf-8")


def test_the_last_target_is_the_server_and_every_one_in_compose_exists() -> None:
    targets = re.findall(r"^FROM \S+ AS (\S+)$", DOCKERFILE, re.MULTILINE)
    assert targets[-1] == "server"
    services = yaml.safe_load(MANIFESTS[0].read_text(encoding="utf-8"))["services"]
    assert {each["build"]["target"] for each in services.values()} <= set(targets)


def test_the_base_is_named_by_its_digest() -> None:
    assert re.search(r"^ARG PYTHON_IMAGE=\S+@sha256:[0-9a-f]{64}$", DOCKERFILE, re.MULTILINE)


def test_every_package_of_an_image_has_a_hash() -> None:
    installed = re.findall(r"pip --python .*", DOCKERFILE)
    assert installed
    for each in installed:
        assert "--require-hashes" in each
        lock = re.search(r" -r (\w+\.lock)", each)
        assert lock is not None
        assert (ROOT / "containers" / lock[1]).is_file()
