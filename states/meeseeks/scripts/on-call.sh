#!/bin/bash
# Who is on call: the last line of a file whose date has come. Lines are `2026-11-23 Ann +64 1 234 567`; '#' begins a remark.
set -euo pipefail
file=$1
if [ ! -r "$file" ]; then
    echo "There is no list of who is on call: $file is missing, or $(id -un) may not read it." >&2
    exit 1
fi
now=$(awk -v today="$(date --utc +%F)" '/^[0-9][0-9][0-9][0-9]-/ && $1 <= today' "$file" | sort | tail --lines=1)
if [ -z "$now" ]; then
    echo "Nobody is on call yet, according to $file." >&2
    exit 1
fi
echo "On call since ${now%% *}: ${now#* }"
