#!/usr/bin/env bash
# Stop the centre, hang a pub, see its node heal it alone, start the centre again, and see it hear of that.   outage.sh
. "$(dirname "$0")/../demo-settings.sh"

for name in chat master private public; do stop_process "$name"; done
say "service and salt-master are stopped"
"$bin/python" "$demo/outage.py" heal
for name in service salt chat; do "$here/$name.sh"; done
"$bin/python" "$demo/outage.py" told
