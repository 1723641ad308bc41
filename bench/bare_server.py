"""Gunicorn with our apps' settings, around an app that does less."""

from pillar_service.web.serve import Server


class BareServer(Server):
    """A server of a subclass's app on the private app's port; our workers' hooks are off."""

    def __init__(self) -> None:
        super().__init__("private", None)

    def load_config(self) -> None:
        """Set our options, without the hooks of our workers, which would count for another server."""
        super().load_config()
        for hook in ("post_worker_init", "child_exit"):
            self.cfg.set(hook, self.cfg.settings[hook].default)
