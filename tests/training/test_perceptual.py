"""The metrics agree with pyiqa's published values, and their weights are safe to read."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.perceptual import as_batch
from metrics.niqe import Niqe
from metrics.perceptual_networks import ArrayUnpickler, Dists, Lpips
from metrics.perceptual_weights import FOLDER, missing_files

PUBLISHED = {"Canon_001": (0.22482, 0.18431, 5.674), "Canon_003": (0.10891, 0.18958, 7.759)}
"""LPIPS, DISTS and NIQE of the SR pictures."""
PICTURES = Path(__file__).parents[3] / "shared" / "eval" / "iqa-check"


@pytest.fixture(scope="module")
def weights() -> Path:
    if missing_files(FOLDER):
        pytest.skip("the weights are not there: python -m metrics.perceptual_weights")
    return FOLDER


def picture(name: str) -> np.ndarray:
    path = PICTURES / f"{name}_LR4.png"
    if not path.exists():
        pytest.skip(f"the pictures with published values are not there: {path.name}")
    with Image.open(path) as opened:
        return np.asarray(opened.convert("RGB"))


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_values_are_reproduced(weights: Path, name: str) -> None:
    sr, hr = picture(f"sr_{name}"), picture(f"hr_{name}")
    lpips, dists, niqe = PUBLISHED[name]
    with torch.inference_mode():
        assert float(Lpips(weights)(as_batch(sr), as_batch(hr))) == pytest.approx(lpips, abs=1e-3)
        assert float(Dists(weights)(as_batch(sr), as_batch(hr))) == pytest.approx(dists, abs=1e-3)
    assert Niqe(weights)(sr) == pytest.approx(niqe, abs=0.02)


def test_a_picture_is_no_distance_from_itself(weights: Path, photo: Image.Image) -> None:
    batch = as_batch(np.asarray(photo.resize((192, 128))))
    with torch.inference_mode():
        assert float(Lpips(weights)(batch, batch)) == 0
        assert float(Dists(weights)(batch, batch)) == pytest.approx(0, abs=1e-5)


def test_a_file_of_weights_may_not_run_code(tmp_path: Path) -> None:
    path = tmp_path / "weights.ckpt"
    path.write_bytes(pickle.dumps(Path))
    with path.open("rb") as file, pytest.raises(pickle.UnpicklingError, match="may not hold"):
        ArrayUnpickler(file).load()
