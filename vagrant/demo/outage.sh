#!/usr/bin/env bash
# Take the centre away, hang a pub, see its node heal it alone, bring the centre back, and hear of it.   outage.sh
. "$(dirname "$0")/../demo-settings.sh"

for name in chat master private public; do stop_process "$name"; done
say "service and salt-master are stopped"
"$bin/python" "$demo/outage.py" heal
for name in service salt chat; do "$here/$name.sh"; done
"$bin/python" "$demo/outage.py" told
