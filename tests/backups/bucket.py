"""A bucket faked at the wire by moto's S3, which only lets in requests signed with a key that was made."""

import json
import re
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from daemons import Daemon, until
from ports import free_port

TOOL = Path(__file__).parents[2] / "vagrant" / "tool.sh"
# moto takes the asker from this header and, for the first few requests, does not check the rest.
STRANGER = "AWS4-HMAC-SHA256 Credential=none/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=none"
USER = {"UserName": "cellar"}
MAY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
MADE = (
    {"Action": "CreateUser"},
    {"Action": "PutUserPolicy", "PolicyName": "s3", "PolicyDocument": json.dumps(MAY)},
    {"Action": "CreateAccessKey"},
)


class Buckets:
    """The server; ``address`` is a bucket's for restic, ``keys`` the file that opens it."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.url, self.address = f"http://127.0.0.1:{port}", f"s3:http://127.0.0.1:{port}/cellar"
        self.keys, self.secret = folder / "keys", ""
        command = [str(TOOL), "moto", "moto_server", "-H", "127.0.0.1", "-p", str(port)]
        self.daemon = Daemon("moto", command, folder, {"INITIAL_NO_AUTH_ACTION_COUNT": str(len(MADE))})

    def start(self) -> None:
        """Starts the server and makes the key."""
        self.daemon.start()
        until(lambda: self.asked(MADE[0]), 60, "the buckets answer")
        told = [self.asked(one) for one in MADE[1:]][-1]
        found = [re.search(f"<{name}>(.*?)</{name}>", told) for name in ("AccessKeyId", "SecretAccessKey")]
        key, self.secret = (one[1] for one in found if one)
        self.keys.write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {self.secret}\n")
        self.keys.chmod(0o600)

    def asked(self, question: dict[str, str]) -> str:
        """Sends a management request; returns the answer."""
        asked = Request(self.url, urlencode(question | USER | {"Version": "2010-05-08"}).encode())
        asked.add_header("Authorization", STRANGER)
        with urlopen(asked, timeout=10) as answer:
            return str(answer.read().decode())

    def stop(self) -> None:
        """Stops the server; what was in the buckets is lost."""
        self.daemon.stop()
