#!/bin/sh
# The whole recipe of `quality` x4, which starts from the body of x2 (run quality_x2.sh first).
. "$(dirname "$0")/common.sh"
train --scale 4 --num-feat 64 --num-conv 8 --minutes 38 --jpeg-share 0.36 --learning-rate 3e-3 \
    --batch 8 --patch 40 --late-patch 56 --weights-from runs/quality_x2 --out runs/quality_x4
train --scale 4 --num-feat 64 --num-conv 8 --minutes 146 --jpeg-share 0.2 --learning-rate 3e-3 \
    --batch 8 --patch 40 --late-patch 48 --weights-from runs/quality_x4 --out runs/quality_x4-b
train --scale 4 --num-feat 64 --num-conv 8 --minutes 32 --jpeg-share 0.15 --learning-rate 1e-3 --psnr-share 1 \
    --batch 8 --patch 48 --late-patch 48 --weights-from runs/quality_x4-b --out runs/quality_x4-c
train --scale 4 --num-feat 64 --num-conv 8 --minutes 30 --jpeg-share 0.15 --wild-share 0.12 --learning-rate 1.5e-3 --psnr-share 1 \
    --batch 8 --patch 48 --late-patch 48 --weights-from runs/quality_x4-c --out runs/quality_x4-d
train --scale 4 --num-feat 64 --num-conv 8 --minutes 13 --jpeg-share 0.4 --wild-share 0.3 --learning-rate 1.2e-3 --psnr-share 1 \
    --batch 8 --patch 48 --late-patch 48 --weights-from runs/quality_x4-d --out runs/quality_x4-e
python -m training.export runs/quality_x4-e --name quality --description "Sharper, five times the work"
