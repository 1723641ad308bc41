#!/usr/bin/env bash
# Look for known faults in the installed packages, and list them. If the index returns no advisories, that is a failure, too.
. "$(dirname "$0")/settings.sh"

"$here/tool.sh" audit pip-audit --strict --disable-pip --require-hashes --progress-spinner off -r "$top/requirements.txt" ||
  fail "A package has a known fault, or the index returned no advisories: see above"
say "no known fault in $(pins | wc -l) packages"
