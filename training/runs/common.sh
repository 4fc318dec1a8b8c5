# The other scripts source this: where things are, and how a run is started.
set -eu
cd "$(dirname "$0")/../.."
photographs=${1:?usage: $0 PHOTOGRAPHS [DRAWINGS]}
drawings=${2:-}

# One process a GPU, or one a core where PyTorch sees no GPU; PROCESSES=2 for fewer.
train() {
    OMP_NUM_THREADS=1 torchrun --nproc-per-node "${PROCESSES:-auto}" --master-addr 127.0.0.1 \
        -m training.train --data "$photographs" ${drawings:+--art "$drawings"} "$@"
}
