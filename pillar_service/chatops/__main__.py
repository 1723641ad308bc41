"""python -m pillar_service.chatops: chat without the web server: Socket Mode, the notifier, what others left undone."""

import signal
import sys
import threading

from pillar_service import logs
from pillar_service.chatops import sockets, wire
from pillar_service.chatops.following import Follower
from pillar_service.chatops.notifier import Notifier
from pillar_service.chatops.parts import Hearing
from pillar_service.core.errors import SaltcellarError
from pillar_service.settings import settings
from pillar_service.usecases.chat import sending
from pillar_service.usecases.service import measuring, storage


def main() -> int:
    """Run until SIGTERM or SIGINT; returns 2 if there is no Slack app to run for."""
    chosen, over = settings(), threading.Event()
    logs.begin(chosen.log)
    if not chosen.slack_bot_token:
        print("CELLAR_SLACK_BOT_TOKEN is not set: there is no chat to run.", file=sys.stderr)
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: over.set())
    storage.prepare()
    storage.migrate()
    measuring.begin("chatops")
    measuring.work_begins()
    client, hearing = wire.client(chosen.slack_bot_token, chosen.slack_url), Hearing()
    notifier = Notifier(client)
    follower = Follower(lambda: sending.leads(notifier.holder))
    for part in (notifier, follower):
        part.start()
    socket = sockets.client(chosen.slack_app_token, client, hearing.inbox, hearing.listeners.answer)
    if chosen.slack_app_token:
        sockets.keep_connected(socket, over)
    over.wait()
    socket.close()
    hearing.stop()
    follower.stop()
    notifier.stop()
    storage.release()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SaltcellarError as error:
        print(error.sentence, file=sys.stderr)
        sys.exit(error.exit_code)
