#!/bin/sh
# The whole recipe of `fast` x2: a folder of photographs (and one of drawings) in, network out.
# Two processes of one thread each, in two phases; the second goes on from the first one's weights.
set -eu
cd "$(dirname "$0")/../.."
photographs=${1:?usage: fast_x2.sh PHOTOGRAPHS [DRAWINGS]}
out=runs/fast_x2
OMP_NUM_THREADS=1 torchrun --nproc-per-node 2 --master-addr 127.0.0.1 -m training.train \
    --scale 2 --num-feat 32 --num-conv 6 --minutes 45 --jpeg-share 0.4 \
    --data "$photographs" ${2:+--art "$2"} --out "$out"
OMP_NUM_THREADS=1 torchrun --nproc-per-node 2 --master-addr 127.0.0.1 -m training.train \
    --scale 2 --num-feat 32 --num-conv 6 --minutes 26 --jpeg-share 0.35 --learning-rate 3e-3 \
    --weights-from "$out" --data "$photographs" ${2:+--art "$2"} --out "$out-b"
python -m training.export "$out-b" --name fast --description "Small and quick"
