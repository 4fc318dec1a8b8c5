#!/bin/sh
# The whole recipe of `quality` x2: a folder of photographs (and one of drawings) in, network out.
# Each phase goes on from the averaged weights of the one before. LOG.md tells what else changed.
. "$(dirname "$0")/common.sh"
train --scale 2 --num-feat 64 --num-conv 8 --minutes 57 --jpeg-share 0.4 \
    --batch 8 --patch 40 --late-patch 64 --out runs/quality_x2
train --scale 2 --num-feat 64 --num-conv 8 --minutes 64 --jpeg-share 0.2 --learning-rate 3e-3 \
    --batch 8 --patch 40 --late-patch 48 --weights-from runs/quality_x2 --out runs/quality_x2-b
train --scale 2 --num-feat 64 --num-conv 8 --minutes 12 --jpeg-share 0.2 --learning-rate 1e-3 \
    --batch 8 --patch 48 --late-patch 56 --psnr-share 0.4 \
    --weights-from runs/quality_x2-b --out runs/quality_x2-c
python -m training.export runs/quality_x2-c --name quality --description "Sharper, several times the work"
python -m training.clean quality
