"""Gunicorn under the settings of our apps, around something that does less."""

from pillar_service.web.serve import Server


class BareServer(Server):
    """What serves the app of a subclass on the private app's port; nothing of ours begins or ends with its workers."""

    def __init__(self) -> None:
        super().__init__("private", None)

    def load_config(self) -> None:
        """As ours, without what a worker of ours does besides: its figures are another server's."""
        super().load_config()
        for hook in ("post_worker_init", "child_exit"):
            self.cfg.set(hook, self.cfg.settings[hook].default)
