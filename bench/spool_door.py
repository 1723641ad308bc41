"""The tests' strict end of the wire as a process, with a key that it makes: python -m bench.spool_door FOLDER"""

import sys
import threading
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from ingest import Ingest

if __name__ == "__main__":
    key = rsa.generate_private_key(65537, 2048)
    plain = serialization.NoEncryption()
    written = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (Path(sys.argv[1]) / "minion.pem").write_bytes(written)
    print(Ingest(key.public_key()).told["url"], flush=True)
    threading.Event().wait()
