#!/usr/bin/env bash
# Stop the tour, and delete it: accounts, bots, keys, logs.   demo-down.sh
. "$(dirname "$0")/demo-settings.sh"

exec "$here/clean.sh"
