"""`python -m backend doctor`: what works, and what is wrong with a network."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from onnx import ModelProto

from backend.commands import doctor, network_check
from backend.errors import ModelError
from backend.inference.onnx_session import OrtSession
from backend.models.manifest import MANIFEST, SHIPPED, ModelSpec, read_manifest
from tests import networks
from tests.cli.conftest import Call, Run


def open_network(spec: ModelSpec) -> OrtSession:
    return OrtSession(spec, intra_op_threads=1)


def check_network(folder: Path, name: str) -> network_check.Verdict:
    spec = next(spec for spec in read_manifest(folder) if spec.name == name)
    return network_check.check(spec, open_network)


def test_a_good_installation_is_well(spawn: Run) -> None:
    done = spawn("doctor")
    assert done.returncode == 0, done.stdout
    assert done.stderr == ""
    assert done.stdout.endswith("all is well\n")
    assert "no entry" not in done.stdout
    for what in ("Python", "onnxruntime", "numpy", "pillow", "threads", "CPUExecutionProvider"):
        assert what in done.stdout
    for spec in read_manifest(SHIPPED):
        line = next(
            line
            for line in done.stdout.splitlines()
            if line.split()[:2] == [spec.name, f"x{spec.scale}"]
        )
        assert "sha256 right; tiles equal the whole" in line
        seconds, speed = re.findall(r"([0-9.]+) (?:s per|LR megapixels per)", line)
        assert float(seconds) * float(speed) == pytest.approx(1, abs=0.3)


@pytest.fixture
def small_installation(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replace the shipped networks, which take seconds, by tiny ones."""
    folder = tmp_path_factory.mktemp("shipped")
    networks.add(folder, "fast", networks.blurring())
    monkeypatch.setattr(doctor, "SHIPPED", folder)


@pytest.mark.usefixtures("small_installation")
def test_a_bad_network_is_told_and_ends_with_1(call: Call, tmp_path: Path) -> None:
    networks.add(tmp_path, "good", networks.blurring())
    networks.damage(networks.add(tmp_path, "damaged", networks.blurring()))
    (tmp_path / "found.onnx").write_bytes(networks.blurring(scale=4, radius=5).SerializeToString())
    code, output = call("doctor", SR_MODELS_DIR=str(tmp_path))
    assert code == 1
    assert "1 problem\n" in output
    assert "damaged.onnx: The file of the network" in output
    assert re.search(r"good x2 +works;", output)
    suggested = re.search(r"\{.*\}", output, re.DOTALL)
    assert suggested is not None
    entry = json.loads(suggested[0])
    assert entry["models"][0]["scale"] == 4
    # The entry is ready: in place of the manifest, everything is well.
    (tmp_path / MANIFEST).write_text(json.dumps(entry))
    (tmp_path / "good.onnx").unlink()
    (tmp_path / "damaged.onnx").unlink()
    assert call("doctor", SR_MODELS_DIR=str(tmp_path))[0] == 0


@pytest.mark.usefixtures("small_installation")
@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"SR_MODEL": "best"}, "no network named 'best'"),
        ({"SR_PROVIDERS": "TensorrtExecutionProvider,CPUExecutionProvider"}, "Tensorrt"),
        ({"SR_MODELS_DIR": "nowhere"}, "does not exist"),
    ],
    ids=str,
)
def test_settings_that_cannot_work_are_told(
    call: Call, settings: dict[str, str], told: str
) -> None:
    code, output = call("doctor", **settings)
    assert code == 1
    assert told in output


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "not a JSON object"),
        ("{}", "not a JSON object"),
        ('{"models": 1}', "not a list"),
        ('{"models": [1]}', "not a JSON object"),
        ('{"models": [{"name": "a"}]}', "'scale'"),
        ('{"models": [{"name": "a", "scale": true, "file": "a", "receptive_radius": 1}]}', "scale"),
        (
            '{"models": [{"name": "a", "scale": 2, "file": "a", "receptive_radius": -1}]}',
            "too small",
        ),
    ],
)
def test_a_wrong_manifest_is_refused_with_a_sentence(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(ModelError, match=told):
        read_manifest(tmp_path)


@pytest.mark.usefixtures("small_installation")
def test_a_wrong_manifest_does_not_end_the_doctor(call: Call, tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text("{")
    code, output = call("doctor", SR_MODELS_DIR=str(tmp_path))
    assert code == 1
    assert "BROKEN: The networks' manifest is not a JSON object" in output


@pytest.mark.parametrize(
    ("make", "changes", "told"),
    [
        (networks.blurring, {"scale": 4}, "it enlarges 2 times, and the manifest says 4"),
        (networks.blurring, {"scale": 3}, "can never be asked for"),
        (lambda: networks.blurring(radius=4), {}, "tiles do not equal the whole"),
        (networks.looking_everywhere, {}, "tiles do not equal the whole"),
        (networks.for_one_size_only, {}, "fails while it runs"),
        (lambda: networks.in_blocks(4), {}, "set 'multiple_of' to 4"),
        (networks.blurring, {"unpadded": True}, "answers lack another border than .* 3 pixels"),
        (networks.with_two_inputs, {}, "one image input"),
        (lambda: networks.blurring(shape=(1, 3, 64, 64)), {}, "dynamic axes"),
        (lambda: networks.blurring(shape=("height", "width", 3)), {}, "cannot be loaded|four"),
        (networks.blurring, {"file": "elsewhere.onnx"}, "not installed"),
        (networks.blurring, {"sha256": "0" * 64}, "changed or is incomplete"),
    ],
)
def test_each_fault_has_its_sentence(
    tmp_path: Path, make: Callable[[], ModelProto], changes: dict[str, object], told: str
) -> None:
    networks.add(tmp_path, "own", make(), **changes)
    problem = check_network(tmp_path, "own").problem
    assert problem is not None
    assert re.search(told, problem), problem


@pytest.mark.parametrize(
    ("make", "changes"),
    [
        (networks.blurring, {}),
        (lambda: networks.blurring(scale=4), {"scale": 4}),
        (networks.blurring, {"receptive_radius": 9}),
        (lambda: networks.in_blocks(4), {"multiple_of": 4, "receptive_radius": 0}),
    ],
)
def test_a_right_network_has_no_problem(
    tmp_path: Path, make: Callable[[], ModelProto], changes: dict[str, object]
) -> None:
    networks.add(tmp_path, "own", make(), **changes)
    verdict = check_network(tmp_path, "own")
    assert verdict.problem is None
    assert verdict.seconds_per_megapixel is not None


@pytest.mark.parametrize("spec", read_manifest(SHIPPED), ids=lambda s: f"{s.name} x{s.scale}")
def test_a_shipped_network_without_its_radius_has_seams(
    spec: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The doctor finds its radius to be enough; a small picture shows that none is not."""
    monkeypatch.setattr(network_check, "SIDE", 64)
    monkeypatch.setattr(network_check, "CUT", 32)
    narrowed = networks.Padded(open_network(spec), receptive_radius=0)
    assert "do not equal" in (network_check.find_seams(narrowed) or "")


@pytest.mark.parametrize(
    ("make", "scale", "radius", "block"),
    [
        (lambda: networks.blurring(scale=4, radius=5), 4, 5, 1),
        (lambda: networks.in_blocks(8), 2, 0, 8),
    ],
)
def test_a_network_without_an_entry_is_measured(
    tmp_path: Path, make: Callable[[], ModelProto], scale: int, radius: int, block: int
) -> None:
    path = tmp_path / "found.onnx"
    path.write_bytes(make().SerializeToString())
    spec = network_check.describe(path, open_network)
    assert (spec.scale, spec.receptive_radius, spec.multiple_of) == (scale, radius, block)
    assert network_check.check(spec, open_network).problem is None
