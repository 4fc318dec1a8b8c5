#!/bin/sh
# The whole recipe of `quality` x4, which starts from the body of x2 (run quality_x2.sh first).
. "$(dirname "$0")/common.sh"
train --scale 4 --num-feat 64 --num-conv 8 --minutes 38 --jpeg-share 0.36 --learning-rate 3e-3 \
    --batch 8 --patch 40 --late-patch 56 --weights-from runs/quality_x2 --out runs/quality_x4
python -m training.export runs/quality_x4 --name quality --description "Sharper, five times the work"
