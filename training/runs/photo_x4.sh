#!/bin/sh
# The recipe of `photo` x4: photographs, drawings and two networks of Real-ESRGAN in, two networks
# out, the vivid one and the natural one, which `detail` blends. The shipped ones came by these steps
# one by one, the longest in three parts; LOG.md has them.
# SMALL and LARGE are the ncnn .param files of realesr-general-x4v3, which it begins from, and of
# RealESRGAN_x4plus, whose answers it learns, each with its .bin beside it.
. "$(dirname "$0")/common.sh"
small=${SMALL:?set SMALL to realesr-general-x4v3.param}
large=${LARGE:?set LARGE to the .param file of RealESRGAN_x4plus}
weights=.tools/perceptual
crops=runs/crops
python -m metrics.perceptual_weights --folder "$weights"
OMP_NUM_THREADS=1 python -m training.teach --data "$photographs" ${drawings:+--art "$drawings"} \
    --teacher "$large" --out "$crops" --count 2100
python -m training.prune --teacher "$small" --crops "$crops" --num-feat 48 --out runs/pruned.onnx
stage() {
    python -m training.photo "$@" --num-feat 48 --num-conv 32 --prelu \
        --batch 12 --learning-rate 2e-4 --crops "$crops" --data "$photographs" --perceptual-weights "$weights"
}
stage perceive --minutes 130 --adversarial-weight 0.04 --weights-from runs/pruned.onnx \
    --out runs/photo_x4
stage distil --minutes 8 --weights-from runs/photo_x4 --out runs/photo_x4-natural
python -m training.export runs/photo_x4 --name photo --natural runs/photo_x4-natural --detail 80 \
    --description "Real photographs, blurry or grainy, come out sharp" \
    --license "BSD-3-Clause AND Apache-2.0" \
    --credit "Real-ESRGAN, Copyright (c) 2021, Xintao Wang"
