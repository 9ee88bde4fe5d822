"""The other side of every measurement: a server that is not what is measured.

Frames are made before the handshake is answered, since a client measures from there on, and leave
in writes of about 1 MiB. Connections that carry load have a thread with a blocking socket; those
that only exist share one selector. What the server saw or sent is kept under the ``id`` of the
request, and ``GET /report?id=…`` tells it, so that a client can check its own count.

Paths, all with ``id``:

``/flood?size=&seconds=`` or ``&count=``
    Messages as fast as they are taken, numbered from zero within each blob; with ``&deflate=1``
    compressed.
``/echo?size=``
    Answers each message with a frame made beforehand, then checks that the message was right.
``/sink?size=``
    Takes and counts messages.
``/paced?size=&rate=&count=``
    Messages one by one at ``rate`` per second, each with its number and send time.
``/burst?size=&length=&bursts=&every_ms=``
    That many messages at once, again and again.
``/crowd?size=&rate=&count=&connections=``
    As ``/paced``, to so many connections with the same id in turn, once all are there.
``/idle``
    Only the handshake.

Run as a process of its own: ``python -m benchmarks.server --core 1``. It prints one line of JSON
with its ports, and ends when its standard input does.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import selectors
import socket
import ssl
import sys
import threading
from typing import TYPE_CHECKING

from benchmarks.frames import close_frame
from benchmarks.paths import CROWDS, HANDLERS, Crowd, Report, Reports, Request

if TYPE_CHECKING:
    from collections.abc import Callable

_BACKLOG = 4096
_MAX_HEAD_BYTES = 16 * 1024
_GOODBYE_SECONDS = 5.0
_REPORT_SECONDS = 15.0


def _say_goodbye(conn: socket.socket) -> None:
    """Close first, as RFC 6455 section 7.1.1 wants it of a server, but after the client's answer.

    A socket closed with bytes unread is reset, and the client loses what it has not read yet.
    """
    conn.settimeout(_GOODBYE_SECONDS)
    conn.sendall(close_frame())
    if isinstance(conn, ssl.SSLSocket):
        conn.settimeout(0)
        with contextlib.suppress(ssl.SSLWantReadError):
            conn.unwrap()  # TLS's own end of stream; the client's is not waited for
        conn.settimeout(_GOODBYE_SECONDS)
    else:
        conn.shutdown(socket.SHUT_WR)
    while conn.recv(_MAX_HEAD_BYTES):
        pass


class Server:
    """Accepts, shakes hands and hands over."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        self._reports = Reports()
        self._selector = selectors.DefaultSelector()
        self._heads: dict[socket.socket, bytes] = {}
        self._plain = self._listen(self._accept_plain)
        self._tls = self._listen(self._accept_tls) if context else None
        self._ended = False

    def _listen(self, on_accept: Callable[[socket.socket], None]) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
        listener.setblocking(False)
        if hasattr(socket, "TCP_CONGESTION"):
            # Some systems pace what leaves (BBR), by a bandwidth that means nothing on loopback.
            # Accepted sockets inherit this; reno is in every Linux.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"reno")

        def drain() -> None:
            with contextlib.suppress(BlockingIOError):
                while True:
                    conn, _ = listener.accept()
                    conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    on_accept(conn)

        self._selector.register(listener, selectors.EVENT_READ, drain)
        return listener

    def ports(self) -> dict[str, int | None]:
        return {
            "port": self._plain.getsockname()[1],
            "tls_port": self._tls.getsockname()[1] if self._tls else None,
        }

    def serve_until_end_of(self, stdin: int) -> None:
        self._selector.register(stdin, selectors.EVENT_READ, self._end)
        while not self._ended:
            for key, _ in self._selector.select():
                key.data()

    def _end(self) -> None:
        self._ended = True

    def _accept_plain(self, conn: socket.socket) -> None:
        conn.setblocking(False)
        self._heads[conn] = b""
        self._selector.register(conn, selectors.EVENT_READ, lambda: self._on_head(conn))

    def _accept_tls(self, conn: socket.socket) -> None:
        threading.Thread(target=self._shake_hands_tls, args=(conn,), daemon=True).start()

    def _on_head(self, conn: socket.socket) -> None:
        """More of a request's head has come, on a plain connection."""
        try:
            head = self._heads[conn] + conn.recv(_MAX_HEAD_BYTES)
        except OSError:
            head = self._heads[conn]
        if not head.endswith(b"\r\n\r\n"):
            if len(head) in (len(self._heads[conn]), _MAX_HEAD_BYTES):
                self._drop(conn)
            else:
                self._heads[conn] = head
            return
        del self._heads[conn]
        request = Request.parse(head)
        if request.path == "/idle":
            conn.sendall(request.answer())
            report = self._reports.get(request.query["id"])
            report.facts["upgrades"] = int(report.facts.get("upgrades") or 0) + 1
            report.done.set()
            self._selector.modify(conn, selectors.EVENT_READ, lambda: self._on_idle(conn))
            return
        if request.path == "/crowd":
            conn.sendall(request.answer())
            # Whatever a member says is its answer to our close frame, or its end.
            self._selector.modify(conn, selectors.EVENT_READ, lambda: self._drop(conn))
            key = request.query["id"]
            CROWDS.setdefault(key, Crowd(request, self._reports.get(key))).join(conn)
            return
        self._selector.unregister(conn)
        conn.setblocking(True)
        threading.Thread(target=self._run, args=(conn, request), daemon=True).start()

    def _on_idle(self, conn: socket.socket) -> None:
        """An idle client says goodbye, or is gone."""
        with contextlib.suppress(OSError):
            if conn.recv(_MAX_HEAD_BYTES):
                conn.sendall(close_frame())
        self._drop(conn)

    def _drop(self, conn: socket.socket) -> None:
        self._heads.pop(conn, None)
        self._selector.unregister(conn)
        conn.close()

    def _shake_hands_tls(self, conn: socket.socket) -> None:
        assert self._context is not None
        try:
            secure = self._context.wrap_socket(conn, server_side=True)
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                more = secure.recv(_MAX_HEAD_BYTES)
                if not more:
                    return
                head += more
        except OSError:
            conn.close()
            return
        request = Request.parse(head)
        cipher = secure.cipher()
        self._reports.get(request.query["id"]).facts["cipher"] = cipher[0] if cipher else None
        self._run(secure, request)

    def _run(self, conn: socket.socket, request: Request) -> None:
        """One connection's life after its head, in a thread of its own."""
        report = self._reports.get(request.query.get("id", ""))
        with conn:
            if request.path == "/report":
                with contextlib.suppress(OSError):
                    self._tell(conn, report)
                return
            try:
                HANDLERS[request.path](conn, request, report)
            except (OSError, ValueError, KeyError) as error:
                report.facts["error"] = f"{type(error).__name__}: {error}"
            finally:
                report.done.set()
            with contextlib.suppress(OSError):
                _say_goodbye(conn)

    def _tell(self, conn: socket.socket, report: Report) -> None:
        if not report.done.wait(_REPORT_SECONDS):
            report.facts["error"] = "the connection is not over"
        body = json.dumps(report.facts).encode()
        conn.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--core", type=int, help="pin the process to this core")
    parser.add_argument("--certificate", help="PEM file with chain and key; turns the TLS port on")
    options = parser.parse_args()
    if options.core is not None:
        os.sched_setaffinity(0, {options.core})
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    context = None
    if options.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # One suite for all, whatever a client would rather have: ciphers differ in cost.
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
        context.load_cert_chain(options.certificate)
    server = Server(context)
    print(json.dumps(server.ports()), flush=True)
    server.serve_until_end_of(sys.stdin.fileno())


if __name__ == "__main__":
    main()
