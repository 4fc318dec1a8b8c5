#!/bin/sh
# The recipe of `quality` x2: SPAN's official network, photographs and drawings in, network out.
# SPAN is the ncnn .param file of spanx2_ch48, with its .bin beside it, from the same wheel as x4's.
. "$(dirname "$0")/common.sh"
span=${SPAN:?set SPAN to spanx2_ch48.param}
train --span --num-feat 48 --scale 2 --minutes 17 --batch 8 --patch 48 --late-patch 48 \
    --jpeg-share 0.6 --wild-share 0.12 --pattern-share 0.05 --rendered-share 0.16 \
    --learning-rate 2.5e-4 --psnr-share 1 --weights-from "$span" --out runs/quality_x2
train --span --num-feat 48 --scale 2 --minutes 42 --batch 8 --patch 48 --late-patch 48 \
    --jpeg-share 0.5 --wild-share 0.1 --pattern-share 0.05 --rendered-share 0.17 \
    --learning-rate 2.5e-4 --psnr-share 1 --weights-from runs/quality_x2 --out runs/quality_x2-b
python -m training.export runs/quality_x2-b --mean-with runs/quality_x2 0.1 --name quality \
    --models runs/mean
train --span --num-feat 48 --scale 2 --minutes 46 --batch 12 --patch 48 --late-patch 48 \
    --jpeg-share 0.52 --wild-share 0.08 --pattern-share 0.06 --rendered-share 0.18 --seed 2 \
    --learning-rate 2.5e-4 --psnr-share 1 --weights-from runs/quality_x2-b --out runs/quality_x2-c
python -m training.export runs/quality_x2-c --mean-with runs/mean/quality_x2.onnx 0.35 \
    --mean-with "$span" 0.06 --name quality --description "Sharper, several times the work" \
    --credit "SPAN, by Cheng Wan et al., Apache-2.0: github.com/hongyuanyu/SPAN"
python -m training.clean quality
