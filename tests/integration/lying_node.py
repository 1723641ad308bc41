"""A node that lies although the master accepted its key: it speaks Salt's wire protocol itself."""

import time
import uuid
from pathlib import Path
from typing import Any

import salt.config
import salt.crypt
import salt.payload
import zmq
from salt_daemons import Master, make_keys

ANSWER_WITHIN_MS = 10_000


class Wire:
    """What anyone can send to the master's port."""

    def __init__(self, master: Master) -> None:
        self.uri = f"tcp://127.0.0.1:{master.ports['ret_port']}"

    def send(self, payload: Any) -> Any:
        """Sends a payload and returns the answer; TimeoutError if none comes."""
        with zmq.Context() as context, context.socket(zmq.REQ) as socket:
            socket.setsockopt(zmq.LINGER, 0)
            socket.connect(self.uri)
            socket.send(payload if isinstance(payload, bytes) else salt.payload.dumps(payload))
            if not socket.poll(ANSWER_WITHIN_MS):
                raise TimeoutError("The master does not answer.")
            return salt.payload.loads(socket.recv())

    def clear(self, **load: Any) -> Any:
        """Sends an unencrypted load, as someone without a key."""
        return self.send({"enc": "clear", "load": load, "version": 3})


class LyingNode(Wire):
    """A node that has authenticated under its own name, and can then send whatever it likes."""

    def __init__(self, folder: Path, name: str, master: Master) -> None:
        super().__init__(master)
        self.name, self.keys = name, folder / name
        self.keys.mkdir()
        make_keys("minion", self.keys)
        master.accept(name, self.keys / "minion.pub")
        (self.keys / "minion_master.pub").write_text((master.keys / "saltcellar.pub").read_text())
        opts = salt.config.DEFAULT_MINION_OPTS.copy() | {"id": name, "pki_dir": str(self.keys)}
        opts |= {"master_ip": "127.0.0.1", "master_uri": self.uri, "__role": "minion", "cachedir": str(folder)}
        self.opts = opts | {"signing_algorithm": "PKCS1v15-SHA224", "encryption_algorithm": "OAEP-SHA224"}
        self.auth = salt.crypt.SAuth(self.opts)
        self.auth.authenticate()

    def load(self, cmd: str, **more: Any) -> dict[str, Any]:
        """A load as an honest minion would make it, changed by ``more``."""
        said = {"cmd": cmd, "id": self.name, "nonce": uuid.uuid4().hex, "ts": int(time.time())}
        return said | {"tok": self.auth.gen_token(b"salt")} | more

    def sealed(self, load: dict[str, Any], **outer: Any) -> dict[str, Any]:
        """The load encrypted in its envelope, with ``outer`` added to the envelope."""
        sealed = self.auth.session_crypticle.dumps(load)
        told = {"enc": "aes", "load": sealed, "version": 3, "id": self.name}
        algorithms = {"enc_algo": self.opts["encryption_algorithm"], "sig_algo": self.opts["signing_algorithm"]}
        return told | algorithms | outer

    def says(self, cmd: str, **more: Any) -> Any:
        """Sends a load and returns the answer, decrypted with the session's key if it is encrypted."""
        load = self.load(cmd, **more)
        answer = self.send(self.sealed(load))
        return self.auth.session_crypticle.loads(answer, nonce=load["nonce"]) if isinstance(answer, bytes) else answer
