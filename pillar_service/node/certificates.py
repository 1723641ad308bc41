"""Checks how long an address's certificate is valid: `python -m pillar_service.node.certificates https://… 14`.

Exits with 0 if it is valid for more than so many days or the address is not https, with 10 if it is not or can't be trusted,
and with 11 if nobody answers.
"""

import socket
import ssl
import sys
import time
from urllib.parse import urlsplit

from pillar_service.core.durations import DAY_S

PATIENCE_S = 15
ENDING, AWAY = 10, 11


def days_left(host: str, port: int) -> float:
    """For how many days the certificate there is valid; raises ssl.SSLError if it can't be trusted, OSError."""
    context = ssl.create_default_context()
    with (
        socket.create_connection((host, port), PATIENCE_S) as connection,
        context.wrap_socket(connection, server_hostname=host) as secured,
    ):
        told = secured.getpeercert()
    assert told
    return (ssl.cert_time_to_seconds(str(told["notAfter"])) - time.time()) / DAY_S


def main(address: str = "", days: str = "14") -> int:
    """Check the certificate and print a line about it; returns the exit code."""
    parts = urlsplit(address)
    if parts.scheme != "https" or not parts.hostname:
        print("There is no certificate to look at.")
        return 0
    try:
        left = days_left(parts.hostname, parts.port or 443)
    except ssl.SSLError as error:
        print(f"{address}: {error}")
        return ENDING
    except OSError as error:
        print(f"{address} does not answer: {error}")
        return AWAY
    print(f"{address}: {left:.1f} days")
    return 0 if left > float(days) else ENDING


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
