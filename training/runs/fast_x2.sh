#!/bin/sh
# The whole recipe of `fast` x2: a folder of photographs (and one of drawings) in, network out.
# Each phase goes on from the averaged weights of the one before.
. "$(dirname "$0")/common.sh"
train --scale 2 --num-feat 32 --num-conv 6 --minutes 45 --jpeg-share 0.4 --out runs/fast_x2
train --scale 2 --num-feat 32 --num-conv 6 --minutes 26 --jpeg-share 0.35 --learning-rate 3e-3 \
    --weights-from runs/fast_x2 --out runs/fast_x2-b
train --scale 2 --num-feat 32 --num-conv 6 --minutes 17 --jpeg-share 0.25 --learning-rate 3e-3 \
    --weights-from runs/fast_x2-b --out runs/fast_x2-c
train --scale 2 --num-feat 32 --num-conv 6 --minutes 30 --jpeg-share 0.15 --learning-rate 3e-3 \
    --weights-from runs/fast_x2-c --out runs/fast_x2-d
train --scale 2 --num-feat 32 --num-conv 6 --minutes 13 --jpeg-share 0.35 --wild-share 0.25 --pattern-share 0.03 \
    --rendered-share 0.1 --learning-rate 2e-3 --psnr-share 1 --patch 48 --weights-from runs/fast_x2-d \
    --out runs/fast_x2-e
python -m training.export runs/fast_x2-e --mean-with runs/fast_x2-d 0.4 --name fast \
    --description "Small and quick"
python -m training.clean fast
