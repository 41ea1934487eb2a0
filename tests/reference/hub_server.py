"""A small Hugging Face hub on the loopback interface, with faults on demand.

It speaks what huggingface_hub's client needs to fetch a file: ``HEAD`` and ``GET`` of
``/{repo}/resolve/{revision}/{file}``, with the hub's own headers, byte ranges, and redirects to a storage address.
"""

import hashlib
import json
import random
import re
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_MAX_REQUESTS = 200


def safetensors_bytes(n_data_bytes: int) -> bytes:
    """Return a file in the safetensors format with that much data, no two pieces of it alike."""
    header = {"weight": {"dtype": "U8", "shape": [n_data_bytes], "data_offsets": [0, n_data_bytes]}}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + random.Random(n_data_bytes).randbytes(n_data_bytes)


@dataclass
class Hub:
    """What the hub holds, how it misbehaves, and what it was asked for."""

    endpoint: str
    files: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """Contents by repository and file name."""
    cuts: list[int] = field(default_factory=list)
    """The next answers to GET break off after so many bytes, one entry each."""
    refusal: tuple[int, dict[str, str]] | None = None
    """Status and headers of the answer to everything, if set."""
    wrong_bytes: bytes = b""
    """Sent in place of the first bytes of each file."""
    ranges: bool = True
    """Whether the Range header is honoured."""
    states_hash: bool = True
    """Whether the SHA-256 is stated."""
    states_size: bool = True
    """Whether the size of contents at another address is stated."""
    states_length: bool = True
    """Whether contents have a Content-Length; else they end where the connection ends."""
    storage: bool = False
    """Whether contents are at another address, as the large files of the real hub are."""
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    """Method, path and Range header of each request."""
    encodings: set[str | None] = field(default_factory=set)
    """Accept-Encoding headers of all requests."""
    tokens: list[tuple[str, str | None]] = field(default_factory=list)
    """Path and Authorization header of each request."""
    stalls: bool = False
    """Whether an answer that is cut leaves the connection open instead of closing it."""
    closing: threading.Event = field(default_factory=threading.Event)
    """Ends what is stalled."""

    def put(self, repo: str, name: str, content: bytes) -> str:
        """Store a file and return its SHA-256."""
        self.files[repo, name] = content
        return hashlib.sha256(content).hexdigest()

    def ranges_asked(self) -> list[str | None]:
        """Return the Range headers of the GET requests that were answered with contents."""
        return [range_ for method, path, range_ in self.requests if method == "GET" and self._holds_contents(path)]

    def _holds_contents(self, path: str) -> bool:
        return path.startswith("/storage/") or not self.storage


@contextmanager
def run_hub() -> Iterator[Hub]:
    """Run a hub in a thread for as long as the context lasts."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    hub = Hub(f"http://127.0.0.1:{server.server_port}")
    server.hub = hub  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.closing.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet about clients that hang up, as those that cancel do."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10

    @property
    def hub(self) -> Hub:
        return self.server.hub  # type: ignore[attr-defined, no-any-return]

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Keep the tests' output clean."""

    def _answer(self, with_body: bool) -> None:
        self.hub.requests.append((self.command, self.path, self.headers.get("Range")))
        self.hub.tokens.append((self.path, self.headers.get("Authorization")))
        self.hub.encodings.add(self.headers.get("Accept-Encoding"))
        if len(self.hub.requests) > _MAX_REQUESTS:
            self._send(500, {})
        elif self.hub.refusal is not None:
            self._send(*self.hub.refusal)
        elif match := re.fullmatch(r"/storage/(\w+)", self.path):
            contents = {hashlib.sha256(content).hexdigest(): content for content in self.hub.files.values()}
            self._send_content(contents[match[1]], with_body)
        elif match := re.fullmatch(r"/([\w.-]+/[\w.-]+)/resolve/(\w+)/([\w./-]+)", self.path):
            self._resolve(match[1], match[2], match[3], with_body)
        else:
            self._send(404, {})

    def _resolve(self, repo: str, revision: str, name: str, with_body: bool) -> None:
        content = self.hub.files.get((repo, name))
        if all(repo != known for known, _ in self.hub.files):
            self._send(404, {"X-Error-Code": "RepoNotFound"})
        elif content is None or revision not in ("main", COMMIT):
            self._send(404, {"X-Error-Code": "EntryNotFound"})
        else:
            sha256 = hashlib.sha256(content).hexdigest()
            stated = {"X-Repo-Commit": COMMIT}
            if self.hub.states_size:
                stated["X-Linked-Size"] = str(len(content))
            stated["X-Linked-Etag"] = f'"{sha256}"' if self.hub.states_hash else '"abc"'
            if name.endswith(".json"):  # small files are in git itself
                git_sha1 = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
                self._send_content(content, with_body, {"X-Repo-Commit": COMMIT, "ETag": f'W/"{git_sha1}"'})
            elif self.hub.storage:
                other_origin = self.hub.endpoint.replace("127.0.0.1", "localhost")
                self._send(302, stated | {"Location": f"{other_origin}/storage/{sha256}"})
            else:
                self._send_content(content, with_body, stated)

    def _send_content(self, content: bytes, with_body: bool, stated: dict[str, str] | None = None) -> None:
        content = self.hub.wrong_bytes + content[len(self.hub.wrong_bytes) :]
        headers = dict(stated or {})
        start = 0
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked and self.hub.ranges:
            start = int(asked[1])
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        body = content[start:]
        n_stated_bytes = len(body) if self.hub.states_length or not with_body else None
        self._send(206 if "Content-Range" in headers else 200, headers, n_stated_bytes)
        if with_body:
            cut = self.hub.cuts.pop(0) if self.hub.cuts else len(body)
            self.wfile.write(body[:cut])
            if self.hub.stalls and cut < len(body):
                self.hub.closing.wait(10)
            self.close_connection = self.close_connection or cut < len(body)

    def _send(self, status: int, headers: dict[str, str], n_body_bytes: int | None = 0) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if n_body_bytes is None:
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(n_body_bytes))
        self.end_headers()
