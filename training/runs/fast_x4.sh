#!/bin/sh
# The whole recipe of `fast` x4, which starts from the body of `fast` x2 (run fast_x2.sh first).
. "$(dirname "$0")/common.sh"
train --scale 4 --num-feat 32 --num-conv 5 --minutes 30 --jpeg-share 0.4 \
    --weights-from runs/fast_x2 --out runs/fast_x4
train --scale 4 --num-feat 32 --num-conv 5 --minutes 54 --jpeg-share 0.15 --learning-rate 3e-3 \
    --weights-from runs/fast_x4 --out runs/fast_x4-b
train --scale 4 --num-feat 32 --num-conv 5 --minutes 11 --jpeg-share 0.15 --wild-share 0.35 --learning-rate 2e-3 --psnr-share 1 \
    --patch 48 --weights-from runs/fast_x4-b --out runs/fast_x4-c
train --scale 4 --num-feat 32 --num-conv 5 --minutes 7 --jpeg-share 0.4 --wild-share 0.3 --learning-rate 2e-3 --psnr-share 1 \
    --patch 48 --weights-from runs/fast_x4-c --out runs/fast_x4-d
python -m training.export runs/fast_x4-d --name fast --description "Small and quick"
