#!/bin/sh
# The whole recipe of `photo` x4: photographs, drawings and Real-ESRGAN x4plus in, two networks out,
# the natural and the vivid one, which `detail` blends. Starts from `quality` x4.
# TEACHER is its ncnn .param file, with the .bin beside it; LOG.md tells how the shipped ones came
# to be, by a longer way.
. "$(dirname "$0")/common.sh"
teacher=${TEACHER:?set TEACHER to the .param file of Real-ESRGAN x4plus}
weights=.tools/perceptual
crops=runs/crops
python -m benchmarks.perceptual_weights --folder "$weights"
OMP_NUM_THREADS=1 python -m training.teach --data "$photographs" ${drawings:+--art "$drawings"} \
    --teacher "$teacher" --out "$crops"
stage() {
    python -m training.photo "$@" --crops "$crops" --data "$photographs" \
        --perceptual-weights "$weights"
}
stage distil --minutes 42 --weights-from backend/models/quality_x4.onnx --out runs/photo_x4-a
stage perceive --minutes 200 --learning-rate 1e-3 --weights-from runs/photo_x4-a --out runs/photo_x4-b
for size in "" --halved; do
    python -m training.export runs/photo_x4-b --name photo --natural runs/photo_x4-a --detail 80 $size \
        --description "Real photographs, blurry or grainy, come out sharp" \
        --license "Apache-2.0; distilled from Real-ESRGAN (BSD-3-Clause, Copyright (c) 2021 Xintao Wang)"
done
