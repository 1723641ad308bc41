#!/bin/bash
# The file systems that are at least so full (per cent, 0 to 100), fullest first. Reads only.
set -euo pipefail
at=${1:-0}
{ df --portability --local --exclude-type=tmpfs --exclude-type=devtmpfs --exclude-type=overlay 2>/dev/null || true; } |
    awk -v at="$at" 'NR > 1 && $5 + 0 >= at {printf "%4s  %8.1f GiB free  %s\n", $5, $4 / 1048576, $6}' |
    sort --numeric-sort --reverse
