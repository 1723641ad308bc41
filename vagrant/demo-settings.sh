# The settings of a tour, so that it can run beside `make up`. Sourced by the scripts beside it.
# shellcheck shell=bash
#
# Those of settings.sh, with other defaults, and:
# CELLAR_NODE_2, CELLAR_BOT_PORTS_2  the second node, a second minion of this machine (demo-2, 21100-21199)
# CELLAR_SLACK_PORT                  the port of the fake Slack's Web API (8092)
# CELLAR_DESK_PORT                   the port of the page on which one reads and writes in the fake Slack (8093)

# With CDPATH, cd would print where it goes, into the output that is read here.
unset CDPATH
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
: "${CELLAR_DIR:=$top/.cellar/demo}" "${CELLAR_NODE:=demo-1}" "${CELLAR_NODE_2:=demo-2}"
: "${CELLAR_PUBLIC_PORT:=8090}" "${CELLAR_PRIVATE_PORT:=8091}" "${CELLAR_SLACK_PORT:=8092}" "${CELLAR_DESK_PORT:=8093}"
: "${CELLAR_PUBLISH_PORT:=4525}" "${CELLAR_RETURN_PORT:=4526}"
: "${CELLAR_BOT_PORTS:=21000-21099}" "${CELLAR_BOT_PORTS_2:=21100-21199}"
export CELLAR_NODE_2 CELLAR_BOT_PORTS_2 CELLAR_SLACK_PORT CELLAR_DESK_PORT
# The token and secret of the fake Slack in tests/fakes, which listens on this machine alone.
export CELLAR_SLACK_BOT_TOKEN=xoxb-test CELLAR_SLACK_SIGNING_SECRET=8f742231b10e8888abcd99yyyzzz85a5
export CELLAR_SLACK_URL=http://127.0.0.1:$CELLAR_SLACK_PORT/api/
unset CELLAR_SLACK_BOT_TOKEN_FILE CELLAR_SLACK_SIGNING_SECRET_FILE CELLAR_SLACK_APP_TOKEN CELLAR_SLACK_APP_TOKEN_FILE
. "$top/vagrant/settings.sh"
processes+=(slack minion-2)

demo=$here/demo
export demo PYTHONPATH=$top:$top/tests
