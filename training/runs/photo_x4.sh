#!/bin/sh
# The whole recipe of `photo` x4: photographs, drawings and Real-ESRGAN's small network in, two
# networks out, the natural and the vivid one, which `detail` blends. Starts from `quality` x4.
# TEACHER is its ncnn .param file, with the .bin beside it.
. "$(dirname "$0")/common.sh"
teacher=${TEACHER:?set TEACHER to realesr-general-x4v3.param}
weights=.tools/perceptual
python -m benchmarks.perceptual_weights --folder "$weights"
stage() {
    OMP_NUM_THREADS=1 python -m training.photo "$@" --data "$photographs" \
        ${drawings:+--art "$drawings"} --teacher "$teacher" --perceptual-weights "$weights"
}
stage distil --minutes 42 --weights-from backend/models/quality_x4.onnx --out runs/photo_x4-a
stage perceive --minutes 130 --learning-rate 1e-3 --weights-from runs/photo_x4-a --out runs/photo_x4-b
for size in "" --halved; do
    python -m training.export runs/photo_x4-b --name photo --natural runs/photo_x4-a --detail 80 $size \
        --description "Real photographs, blurry or grainy, come out sharp" \
        --license "Apache-2.0; distilled from Real-ESRGAN (BSD-3-Clause, Copyright (c) 2021 Xintao Wang)"
done
