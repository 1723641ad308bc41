#!/usr/bin/env bash
# Run uv, which pins packages.   uv.sh ARGUMENT…
. "$(dirname "$0")/settings.sh"

exec env UV_CACHE_DIR="$top/.cellar/tools/uv-cache" "$here/tool.sh" uv uv "$@"
