#!/bin/sh
# `quality` x2 from SPAN's official network, as x4 is (quality_x4.sh). Not shipped: after 1,300 steps
# JPEGs and drawn text were still behind the shipped network (LOG.md). It wants 5,000 steps and more.
# SPAN is the ncnn .param file of spanx2_ch48, with its .bin beside it, from the same wheel.
. "$(dirname "$0")/common.sh"
span=${SPAN:?set SPAN to spanx2_ch48.param}
train --span --num-feat 48 --scale 2 --minutes 120 --batch 8 --patch 48 --late-patch 48 \
    --jpeg-share 0.5 --wild-share 0.12 --pattern-share 0.05 --rendered-share 0.16 \
    --learning-rate 2.5e-4 --psnr-share 1 --weights-from "$span" --out runs/quality_x2
python -m training.export runs/quality_x2 --name quality --description "Sharper, several times the work" \
    --credit "SPAN, by Cheng Wan et al., Apache-2.0: github.com/hongyuanyu/SPAN"
python -m training.clean quality
