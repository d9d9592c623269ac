"""A small API of our own to stand behind the gate, where no real program does what is to be tried:
streams both ways, trailers, events, a WebSocket, TLS that demands the gate's certificate."""

import hashlib
import http.server
import json
import os
import queue
import socket
import threading
from urllib.parse import urlsplit

from lib import LOOPBACK, free_port

OWNER = "alice"
PIECE = 1 << 20


def operation(name, summary, *parameters):
    return {
        "operationId": name,
        "summary": summary,
        "parameters": [{"name": p, "in": "path", "required": True, "schema": {"type": "string"}} for p in parameters],
        "responses": {"200": {"description": "Done."}},
    }


DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Office", "version": "1"},
    "servers": [{"url": "/"}],
    "security": [{"key": []}],
    "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    "paths": {
        "/me": {"get": operation("readMe", "Whose the key is")},
        "/items/{name}": {
            "get": operation("readItem", "Read an item", "name"),
            "put": operation("writeItem", "Write an item", "name"),
            "delete": operation("deleteItem", "Delete an item", "name"),
        },
        "/keys": {"post": operation("createKey", "Create an API key")},
        "/files/{name}": {
            "get": operation("readFile", "Read a file", "name"),
            "put": operation("writeFile", "Write a file", "name"),
        },
        "/echo": {"post": operation("echo", "Say the same again")},
        "/events": {"get": operation("readNews", "What is new, as it comes")},
        "/slow": {"get": operation("readSlowly", "Read something that takes its time")},
        "/socket": {"get": operation("talk", "A WebSocket that says the same again")},
    },
}

# What a WebSocket says is not described; that this one only talks, its operator says.
OVERRIDES = """
[[api.override]]
operation = "GET /socket"
powers = ["read"]
[[api.override]]
operation = "GET /files/{name}"
powers = ["read"]
"""


class Office(http.server.ThreadingHTTPServer):
    """The API. `context` makes it speak TLS; `socket_port` is where a WebSocket server listens."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, context=None, socket_port=0):
        super().__init__((LOOPBACK, free_port()), Clerk)
        self.port, self.socket_port = self.server_address[1], socket_port
        self.written, self.deleted, self.keys, self.saw, self.guests = set(), set(), 0, [], []
        self.feed, self.slow, self.arrived = queue.Queue(), threading.Event(), threading.Event()
        self.block = os.urandom(PIECE)
        self.tls = context is not None
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def base(self):
        return f"http{'s' if self.tls else ''}://localhost:{self.port}"

    def document(self, folder):
        """Its OpenAPI document, as a file."""
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "office.json"
        file.write_text(json.dumps(DOCUMENT))
        return file

    def handle_error(self, request, client_address):
        pass  # a client that goes away, or shows no certificate, is what is tried here


class Clerk(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def answer(self, status, value=None):
        data = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        if data:
            self.send_header("Content-Type", "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def chunked(self, kind, *headers):
        self.send_response(200)
        for name, value in (("Content-Type", kind), ("Transfer-Encoding", "chunked"), *headers):
            self.send_header(name, value)
        self.end_headers()

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def pieces(self):
        """The body, piece by piece; the trailers are in `self.trailers` afterwards."""
        self.trailers = []
        if "chunked" not in self.headers.get("transfer-encoding", ""):
            left = int(self.headers.get("content-length") or 0)
            while left:
                if not (data := self.rfile.read(min(left, PIECE))):
                    raise ConnectionError("the body broke off")
                left -= len(data)
                yield data
            return
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        while line := self.rfile.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            self.trailers.append((name.strip().lower(), value.strip()))

    def serve(self):
        path = urlsplit(self.path).path
        self.server.saw.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
        if self.server.tls:
            self.server.guests.append(self.connection.getpeercert())
        _, first, *rest = path.split("/")
        getattr(self, f"{self.command.lower()}_{first}", self.nothing)(*rest)

    do_GET = do_PUT = do_POST = do_DELETE = serve

    def nothing(self, *_):
        for _ in self.pieces():
            pass
        self.answer(404, {"error": "nothing here"})

    def get_me(self):
        self.answer(200, {"login": OWNER})

    def get_items(self, name):
        self.answer(200, {"name": name})

    def put_items(self, name):
        for _ in self.pieces():
            pass
        self.server.written.add(name)
        self.answer(200, {"name": name})

    def delete_items(self, name):
        for _ in self.pieces():
            pass
        self.server.deleted.add(name)
        self.answer(204)

    def post_keys(self):
        for _ in self.pieces():
            pass
        self.server.keys += 1
        self.answer(201, {"id": self.server.keys})

    def get_files(self, size):
        """So many bytes, each piece told apart by its number."""
        left = int(size)
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", size)
        self.end_headers()
        for data in content(self.server.block, left):
            self.wfile.write(data)

    def put_files(self, name):
        digest, size = hashlib.sha256(), 0
        for data in self.pieces():
            digest.update(data)
            size += len(data)
        self.answer(200, {"name": name, "size": size, "sha256": digest.hexdigest()})

    def post_echo(self):
        data = b"".join(self.pieces())
        self.chunked("application/octet-stream", ("Trailer", "X-Sum"))
        self.chunk(data)
        sums = "".join(f"X-Sum: {value}\r\n" for name, value in self.trailers if name == "x-sum")
        self.wfile.write(f"0\r\n{sums}\r\n".encode())

    def get_events(self):
        self.chunked("text/event-stream")
        while event := self.server.feed.get(timeout=60):
            self.chunk(f"data: {event}\n\n".encode())
        self.wfile.write(b"0\r\n\r\n")

    def get_slow(self):
        self.server.arrived.set()
        self.server.slow.wait(30)
        self.answer(200, {"slow": True})

    def get_socket(self):
        """Hands the whole connection on to the WebSocket server."""
        head = "".join(f"{k}: {v}\r\n" for k, v in self.headers.items())
        with socket.create_connection((LOOPBACK, self.server.socket_port), 10) as inner:
            inner.settimeout(None)
            inner.sendall(f"GET {self.path} HTTP/1.1\r\n{head}\r\n".encode("latin-1"))
            back = threading.Thread(target=pump, args=(inner, self.connection), daemon=True)
            back.start()
            pump(self.connection, inner)
            back.join(10)
        self.close_connection = True

    def handle_expect_100(self):
        """417 for what it does not want, before a byte of it has come."""
        if self.path.endswith("/unwanted"):
            self.send_response(417)
            self.send_header("Content-Length", "0")
            self.send_header("Connection", "close")
            self.end_headers()
            return False
        self.server.arrived.set()
        self.server.slow.wait(30)
        return super().handle_expect_100()

    def log_message(self, *_):
        pass


def content(block, size):
    """Bytes in pieces no two of which are alike."""
    for number in range(0, (size + PIECE - 1) // PIECE):
        data = number.to_bytes(8, "big") + block[8:]
        yield data[: min(PIECE, size - number * PIECE)]


def pump(source, target):
    """Bytes one way until their end."""
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass
