"""The device of a training process, and its precision."""

from __future__ import annotations

import os

import torch


def own_device() -> torch.device:
    """Return this process's GPU, or the CPU if PyTorch sees none."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


def has_fast_bfloat16() -> bool:
    """Return whether bfloat16 is faster than float32: on GPUs, and by AVX-512 BF16."""
    return torch.cuda.is_available() or torch.cpu._is_avx512_bf16_supported()


def autocast() -> torch.autocast:
    """Run convolutions in bfloat16 where that is faster; weights and losses stay in float32."""
    return torch.autocast(own_device().type, torch.bfloat16, enabled=has_fast_bfloat16())
