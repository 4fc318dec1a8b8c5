#!/bin/sh
# Train the shipped `photo` x4 on towards strong damage (training/ruin.py): pictures saved again and
# again, coarse grain, old scans. Run without its second stage, and not shipped yet (LOG.md).
# LARGE is the ncnn .param file of RealESRGAN_x4plus, with its .bin beside it.
. "$(dirname "$0")/common.sh"
large=${LARGE:?set LARGE to the .param file of RealESRGAN_x4plus}
weights=.tools/perceptual
crops=runs/crops-ruined
python -m metrics.perceptual_weights --folder "$weights"
OMP_NUM_THREADS=1 python -m training.teach --data "$photographs" ${drawings:+--art "$drawings"} \
    --teacher "$large" --out "$crops" --count 2400 --ruined-share 0.65 --true-share 0.25
stage() {
    python -m training.photo "$@" --num-feat 48 --num-conv 32 --prelu --batch 12 \
        --learning-rate 2.5e-4 --crops "$crops" --data "$photographs" --perceptual-weights "$weights"
}
stage perceive --minutes 45 --adversarial-weight 0.04 \
    --weights-from backend/models/weights/photo_x4.onnx --out runs/photo_x4-ruined
stage distil --minutes 8 --weights-from runs/photo_x4-ruined --out runs/photo_x4-ruined-natural
python -m training.export runs/photo_x4-ruined --name photo --natural runs/photo_x4-ruined-natural \
    --detail 80 --description "Real photographs, blurry or grainy, come out sharp" \
    --license "BSD-3-Clause AND Apache-2.0" \
    --credit "Real-ESRGAN, Copyright (c) 2021, Xintao Wang"
