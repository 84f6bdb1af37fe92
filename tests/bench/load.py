"""A closed loop of keep-alive connections: bounded in count and time, loopback only."""

import socket
import threading
import time
from dataclasses import dataclass

TIMEOUT_S = 30


@dataclass
class Outcome:
    """What came back: requests a second, latencies, statuses."""

    per_second: float
    statuses: dict[int, int]
    p50_ms: float
    p99_ms: float


class Wire:
    """One keep-alive HTTP/1.1 connection; a hand-made client costs the server less."""

    def __init__(self, port):
        self.port = port
        self._open()

    def _open(self):
        self.socket = socket.create_connection(("127.0.0.1", self.port), TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, request):
        """Send one request; return its status and body."""
        self.socket.sendall(request)
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._receive()
        head, _, body = data.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        while len(body) < length:
            body += self._receive()
        return int(head[9:12]), body

    def _receive(self):
        block = self.socket.recv(65_536)
        if not block:
            raise ConnectionError
        return block


def request(method, path, *, body=b"", key=None, idempotency=None, more=()):
    """Make the bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    if key:
        lines.append(f"Authorization: Bearer {key}")
    lines += [f"{name}: {said}" for name, said in more]
    if idempotency:
        lines.append(f"Idempotency-Key: {idempotency}")
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def run(port, make, *, callers, seconds):
    """Let callers send what *make(caller, turn, wire)* does, until the time is up.

    *make* sends with the wire itself and returns the statuses it got.
    """
    statuses, latencies, lock = {}, [], threading.Lock()
    barrier = threading.Barrier(callers + 1)

    def call(caller):
        wire, mine, took, turn = Wire(port), {}, [], 0
        barrier.wait()
        deadline = time.perf_counter() + seconds
        while time.perf_counter() < deadline:
            began = time.perf_counter()
            for status in make(caller, turn, wire):
                mine[status] = mine.get(status, 0) + 1
            took.append(time.perf_counter() - began)
            turn += 1
        with lock:
            latencies.extend(took)
            for status, count in mine.items():
                statuses[status] = statuses.get(status, 0) + count

    threads = [threading.Thread(target=call, args=(n,)) for n in range(callers)]
    for thread in threads:
        thread.start()
    barrier.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - began
    latencies.sort()
    at = lambda part: latencies[min(len(latencies) - 1, int(len(latencies) * part))]  # noqa: E731
    return Outcome(len(latencies) / elapsed, statuses, at(0.5) * 1000, at(0.99) * 1000)
