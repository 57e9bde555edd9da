"""Serves the practice catalogue by HTTP on this machine's loopback address."""

import re
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from data_fetch.practice.site import Answer, Request, Site

# Reachable from this machine only.
HOST = "127.0.0.1"
# Bytes that are read of a file at a time.
STEP = 1 << 16
# Most bytes of a search that is posted.
LONGEST_BODY = 1 << 20
# Seconds after which a silent connection is closed.
SILENCE_S = 60

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})$")

__all__ = ["HOST", "Handler", "Server", "byte_range"]


class Server(ThreadingHTTPServer):
    """A server of one site; each connection has a thread of its own.

    Args:
        folder: Folder that `make_practice` has filled.
        port: Number of the port; 0 for a free one.
    """

    daemon_threads = True

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        handler: type["Handler"] | None = None,
    ) -> None:
        super().__init__((HOST, port), handler or Handler)
        self.address = f"http://{HOST}:{self.server_address[1]}"
        self.site = Site(folder, self.address)


class Handler(BaseHTTPRequestHandler):
    """Reads requests and sends the answers of the site, whole or in part."""

    protocol_version = "HTTP/1.1"
    server_version = "practice"
    timeout = SILENCE_S
    server: Server

    def do_GET(self) -> None:
        """Answer a GET request."""
        self._respond()

    do_HEAD = do_POST = do_GET  # noqa: N815

    def _respond(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not re.fullmatch("[0-9]{1,9}", length) or int(length) > LONGEST_BODY:
            self.close_connection = True
            self.send_answer(Answer.refusal(413, "The request is too long."))
            return
        self.answer_to(self.rfile.read(int(length)))

    def answer_to(self, body: bytes) -> None:
        """Answer the request whose head was read."""
        try:
            request = Request.of(self.command, self.path, body)
        except ValueError as err:
            self.send_answer(Answer.refusal(400, f"The address cannot be read: {err}"))
            return
        self.send_answer(self.server.site.answer(request))

    def send_answer(self, answer: Answer) -> None:
        """Send an answer; of a file, the part that was asked for."""
        content = answer.content
        if isinstance(content, bytes):
            self._send(answer, answer.status, range(len(content)), {})
            return
        size = content.stat().st_size
        part = byte_range(self.headers.get("Range", ""), size)
        if part is None:
            status, part, place = answer.status, range(size), None
        elif part:
            status = HTTPStatus.PARTIAL_CONTENT
            place = f"bytes {part.start}-{part.stop - 1}/{size}"
        else:
            status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
            place = f"bytes */{size}"
        about = {"Content-Range": place} if place else {}
        self._send(answer, status, part, {"Accept-Ranges": "bytes", **about})

    def _send(
        self, answer: Answer, status: int, part: range, headers: dict[str, str]
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(part)))
        for name, value in {**headers, **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            for piece in pieces(answer.content, part):
                self.wfile.write(piece)

    def handle(self) -> None:
        """Serve a connection until the client closes it, also in the middle."""
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def log_message(self, format: str, *values: object) -> None:  # noqa: A002
        """Print nothing: a terminal would fill with requests."""


def byte_range(header: str, size: int) -> range | None:
    """The bytes that a Range header asks for.

    Args:
        header: The header's text.
        size: Size of the file in bytes.

    Returns:
        The bytes; empty if the file does not have them. None if the header is not a
        single range, which means the whole file.

    Example:
        >>> byte_range("bytes=0-99", 1000), byte_range("bytes=-10", 1000)
        (range(0, 100), range(990, 1000))
        >>> byte_range("bytes=2000-", 1000), byte_range("bytes=0-1,5-6", 1000)
        (range(0, 0), None)
    """
    found = _RANGE.match(header.strip())
    if not found or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        return range(max(size - int(last), 0), size)
    if last and int(last) < int(first):
        return None
    end = min(int(last) + 1, size) if last else size
    return range(int(first), end) if int(first) < size else range(0)


def pieces(content: bytes | Path, part: range) -> Iterator[bytes]:
    """The bytes of a part, in pieces of at most `STEP` bytes of a file."""
    if isinstance(content, bytes):
        yield content[part.start : part.stop]
        return
    with content.open("rb") as file:
        file.seek(part.start)
        for start in range(part.start, part.stop, STEP):
            yield file.read(min(STEP, part.stop - start))
