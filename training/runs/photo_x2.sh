#!/bin/sh
# The recipe of `photo` x2, which goes on from x4's (photo_x4.sh): its last convolution averaged
# over 2 x 2, then the same two stages with crops of x2. The shipped ones had 5, 50 and 13 minutes
# of the first stage; LOG.md has them.
# LARGE is the ncnn .param file of RealESRGAN_x4plus, with its .bin beside it.
. "$(dirname "$0")/common.sh"
large=${LARGE:?set LARGE to the .param file of RealESRGAN_x4plus}
weights=.tools/perceptual
crops=runs/crops-x2
halved=runs/halved
python -m metrics.perceptual_weights --folder "$weights"
OMP_NUM_THREADS=1 python -m training.teach --data "$photographs" ${drawings:+--art "$drawings"} \
    --teacher "$large" --scale 2 --out "$crops" --count 2500 --rendered-share 0.41
mkdir -p "$halved"
cp backend/models/weights/manifest.json backend/models/weights/*.onnx "$halved"
python -m training.export runs/photo_x4 --name photo --natural runs/photo_x4-natural --halved --models "$halved"
stage() {
    python -m training.photo "$@" --num-feat 48 --num-conv 32 --prelu --colour-weight 8 \
        --crops "$crops" --data "$photographs" --perceptual-weights "$weights"
}
stage perceive --batch 14 --minutes 68 --learning-rate 3e-4 --drawn-pixel-weight 15 \
    --adversarial-weight 0.03 --weights-from "$halved/photo_x2.onnx" --out runs/photo_x2
stage distil --batch 16 --minutes 8 --learning-rate 2e-4 --weights-from runs/photo_x2 \
    --out runs/photo_x2-natural
python -m training.export runs/photo_x2 --name photo --natural runs/photo_x2-natural --detail 80 \
    --description "Real photographs, blurry or grainy, come out sharp" \
    --license "BSD-3-Clause AND Apache-2.0" \
    --credit "Real-ESRGAN, Copyright (c) 2021, Xintao Wang"
python -m training.clean photo
