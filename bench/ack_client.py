"""Sends signed events all at once, several times: python -m bench.ack_client URL SECRET TIMES TOGETHER; prints JSON."""

import asyncio
import hashlib
import hmac
import json
import sys
import time
from urllib.parse import urlsplit

PAUSE_S = 0.15


def request(host: str, path: str, secret: str, n: int) -> bytes:
    """A signed event as it goes over the wire."""
    event = {
        "type": "app_mention",
        "user": "U1",
        "team": "T1",
        "text": "<@U0BOT> version",
        "ts": f"1.{n}",
        "channel": "C1",
    }
    envelope = {"type": "event_callback", "team_id": "T1", "event_id": f"Ev{time.time_ns()}{n}", "event": event}
    body, stamp = json.dumps(envelope).encode(), str(int(time.time()))
    mac = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}X-Slack-Request-Timestamp: {stamp}\r\nX-Slack-Signature: v0={mac}\r\n\r\n".encode() + body


async def one(
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter], sent: bytes, began: float
) -> tuple[float, bool]:
    """Send one event; returns milliseconds until the whole answer is there, and whether it is an ack."""
    reader, writer = streams
    writer.write(sent)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")), 0)
    await reader.readexactly(length)
    return (time.perf_counter() - began) * 1000, head.startswith(b"http/1.1 200")


async def main(url: str, secret: str, times: int, together: int) -> None:
    """Send the events, and print what became of them."""
    where, told = urlsplit(url), []
    connections = [await asyncio.open_connection(where.hostname, where.port) for _ in range(together)]
    for turn in range(times):
        ready = [request(where.netloc, where.path, secret, turn * together + n) for n in range(together)]
        began = time.perf_counter()
        told += await asyncio.gather(*(one(c, sent, began) for c, sent in zip(connections, ready, strict=True)))
        await asyncio.sleep(PAUSE_S)
    print(json.dumps({"ms": [ms for ms, _ in told], "failed": sum(not good for _, good in told)}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
