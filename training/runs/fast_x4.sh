#!/bin/sh
# The whole recipe of `fast` x4, which starts from the body of `fast` x2 (run fast_x2.sh first).
set -eu
cd "$(dirname "$0")/../.."
photographs=${1:?usage: fast_x4.sh PHOTOGRAPHS [DRAWINGS]}
out=runs/fast_x4
OMP_NUM_THREADS=1 torchrun --nproc-per-node 2 --master-addr 127.0.0.1 -m training.train \
    --scale 4 --num-feat 32 --num-conv 5 --minutes 35 --jpeg-share 0.4 --weights-from runs/fast_x2 \
    --data "$photographs" ${2:+--art "$2"} --out "$out"
python -m training.export "$out" --name fast --description "Small and quick"
