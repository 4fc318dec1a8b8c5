#!/bin/sh
# The whole recipe of `quality` x2: a folder of photographs (and one of drawings) in, network out.
# The shipped network went on from minute 25 with a JPEG share of 0.36 (see LOG.md).
. "$(dirname "$0")/common.sh"
train --scale 2 --num-feat 64 --num-conv 8 --minutes 57 --jpeg-share 0.4 \
    --batch 8 --patch 40 --late-patch 64 --out runs/quality_x2
python -m training.export runs/quality_x2 --name quality --description "Sharper, five times the work"
