"""Simulators as servers on this machine: in a thread for tests, or a process."""

import socket
import threading
import time
from contextlib import contextmanager, suppress
from functools import partial

from flask import Flask, Response, abort, jsonify, request
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.simulators.faults import HOUSE, WIRE, damaged


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def finish(self):
        with suppress(OSError):  # nobody listens any more
            self.wfile.close()
        self.rfile.close()

    def log_request(self, *_args):
        pass

    def log_error(self, *_args):
        pass


def application(faults, answer, routes, late=None):
    """A Flask app: *answer*(path, body) -> (operation, work).

    work() -> (body, type), and the status if it is not 200; *late*(body) is called
    before a reply goes out that may be late.
    """
    app = Flask(__name__)

    def serve(**_path):
        with faults.call():
            return answered()

    def answered():
        body = request.get_data()
        operation, work = answer(request.path, body)
        fault = faults.one_of(operation)
        faults.delay(fault, "before")
        if fault == "html-502":
            return Response(*_reply(damaged(fault, b"", "")))
        said, content_type, *refused = work()
        faults.delay(fault, "after")
        if late is not None:
            late(body)
        if fault == "drop":
            hang_up(request.environ)
        body, status, headers = _reply(damaged(fault, said, content_type))
        if refused and status == 200:
            [status] = refused
        if fault == "drip":
            headers["Content-Length"] = str(len(body))
            body = dripping(body, faults.delay_s)
        return Response(body, status, headers)

    for route in routes:
        app.add_url_rule(route, route, serve, methods=["GET", "POST", "DELETE"])

    app.add_url_rule(
        "/faults", "faults", partial(switches, faults), methods=["GET", "PUT", "DELETE"]
    )
    return app


def switches(faults):
    """Show the switches, set some (PUT name -> what ``set`` takes), or clear all."""
    if request.method == "DELETE":
        faults.clear()
    elif request.method == "PUT":
        for name, how in request.get_json().items():
            if name not in WIRE + HOUSE:
                abort(404)
            faults.set(name, **how)
    return jsonify(on=faults._on, known=WIRE + HOUSE, seen=len(faults.seen))


def _reply(found):
    status, body, content_type = found
    return body, status, {"Content-Type": content_type}


def dripping(body, for_s):
    """Give a reply out in so many seconds, a byte at a time: it is never silent."""
    for n in range(len(body)):
        time.sleep(for_s / len(body))
        yield body[n : n + 1]


def hang_up(environ):
    """End the connection without a reply, as a dead machine would."""
    line = environ["werkzeug.socket"]
    line.shutdown(socket.SHUT_RDWR)


@contextmanager
def serving(app, port=0):
    """Serve an application from a thread; yield its address."""
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Quiet)
    server.daemon_threads = False  # closing it waits for those that answer still
    lines = []
    accept = server.get_request

    def accepted():
        line, peer = accept()
        lines.append(line)
        return line, peer

    server.get_request = accepted
    server.handle_error = lambda *_: None  # a line that goes dead is wanted
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        for line in lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        server.server_close()
        thread.join()
