"""A receiver of webhooks: a real server on this machine that answers as it is told."""

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Receiver:
    """What has come in, and what is answered: *answer* is given each message's body."""

    url: str = ""
    got: list = field(default_factory=list)
    answer: object = lambda _: 204
    headers: dict = field(default_factory=dict)

    def bodies(self):
        return [json.loads(body) for _, body in self.got]

    def ids(self):
        return [said["webhook-id"] for said, _ in self.got]

    def seen(self):
        """Return (thing, version) in the order they came."""
        return [(b["data"]["id"], b["data"]["version"]) for b in self.bodies()]


@contextmanager
def receiving():
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            said = {name.lower(): value for name, value in self.headers.items()}
            receiver.got.append((said, body.decode()))
            status = receiver.answer(json.loads(body))
            self.send_response(status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook?x=1"
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
