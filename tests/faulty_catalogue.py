"""The practice catalogue with faults that a test chooses, and with a log of requests.

    with faulty_catalogue.running(folder, tmp_path) as catalogue:
        catalogue.inject(Fault("B04.tif", "status", status=500, times=2))
        ... catalogue.url ...
        assert catalogue.count("B04.tif") == 3

The server is a process of its own. Faults can be changed while it runs.
"""

import json
import os
import re
import socket
import struct
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from data_fetch.practice import make_practice
from data_fetch.practice.items import EARTH_SEARCH, PLANETARY
from data_fetch.practice.running import serve, started
from data_fetch.practice.serving import Handler, Server, byte_range, pieces
from data_fetch.practice.site import WORLDCOVER_FOLDER, Answer, Request

KINDS = (
    "delay",  # answers well after `seconds`
    "silence",  # never answers
    "status",  # answers with the code `status` and `headers`
    "truncated",  # announces the whole body, sends half of it, and hangs up
    "html",  # a page of a proxy, with the code 200
    "other",  # the answer for the address `instead`
    "corrupt",  # the right size, and wrong bytes from the middle on
    "reset",  # the connection is reset
    "death",  # the server's process ends
)
PAGE = b"<!DOCTYPE html><html><body>Please sign in to the network.</body></html>"


@dataclass(frozen=True)
class Fault:
    """What goes wrong, where, and how many times.

    Attributes:
        pattern: Regular expression that is searched in the address.
        kind: One of KINDS.
        times: So many requests have it; None for all.
        after: So many requests that fit are answered well before.
        seconds: Length of a delay.
        status: Code of the answer.
        headers: Headers of the answer: {"Retry-After": "1"}.
        instead: Address whose answer is sent: "/files/inside_20230216_B08.tif".
    """

    pattern: str
    kind: str
    times: int | None = None
    after: int = 0
    seconds: float = 1.0
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    instead: str = ""

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is not one of {KINDS}.")


@dataclass(frozen=True)
class FaultyCatalogue:
    """A running server: where it is, what it was asked, what shall go wrong."""

    root: str
    state: Path

    @property
    def url(self):
        """Address of the STAC API that is like Earth Search."""
        return f"{self.root}/{EARTH_SEARCH}"

    @property
    def planetary_url(self):
        """Address of the one that is like the Planetary Computer."""
        return f"{self.root}/{PLANETARY}"

    @property
    def worldcover(self):
        """Address of the folder of WorldCover tiles: a value for BASE_URL."""
        return f"{self.root}/{WORLDCOVER_FOLDER}"

    def inject(self, *faults):
        """Let these faults happen from now on, and no others; counting begins anew."""
        text = json.dumps([asdict(fault) for fault in faults])
        part = self.state / "faults.part"
        part.write_text(json.dumps({"number": time.monotonic_ns(), "faults": text}))
        part.replace(self.state / "faults.json")

    def requests(self, pattern=""):
        """The requests so far whose address fits, oldest first.

        Each is a dictionary: method, address, range, body, fault (or None).
        """
        path = self.state / "log.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        read = [json.loads(line) for line in lines]
        return [one for one in read if re.search(pattern, one["address"])]

    def count(self, pattern=""):
        """The number of those requests."""
        return len(self.requests(pattern))


@contextmanager
def running(folder, state, *faults):
    """Run a server until the `with` block ends.

    Args:
        folder: Folder of the practice files; None for the usual one.
        state: Empty folder for the log and the faults.
        faults: What goes wrong from the start.
    """
    folder, state = make_practice(folder).absolute(), Path(state).absolute()
    FaultyCatalogue("", state).inject(*faults)
    command = (sys.executable, "-m", "tests.faulty_catalogue", str(folder), str(state))
    with started(command) as root:
        yield FaultyCatalogue(root, state)


class Faults:
    """The faults that are left, in the server's process; threads share it."""

    def __init__(self, state):
        self._state = state
        self._lock = threading.Lock()
        self._number = None
        self._faults = []

    def next(self, address):
        """The fault of this request, or None; it is counted."""
        with self._lock:
            self._read()
            for i, fault in enumerate(self._faults):
                if fault.times == 0 or not re.search(fault.pattern, address):
                    continue
                if fault.after:
                    self._faults[i] = replace(fault, after=fault.after - 1)
                    continue
                if fault.times is not None:
                    self._faults[i] = replace(fault, times=fault.times - 1)
                return fault
        return None

    def log(self, **request):
        """Write one line about a request."""
        with self._lock, (self._state / "log.jsonl").open("a") as file:
            file.write(json.dumps(request) + "\n")

    def _read(self):
        read = json.loads((self._state / "faults.json").read_text())
        if read["number"] != self._number:
            self._number = read["number"]
            self._faults = [Fault(**one) for one in json.loads(read["faults"])]


class FaultyHandler(Handler):
    """Answers as the practice catalogue, or does what the fault says."""

    def answer_to(self, body):
        fault = self.server.faults.next(self.path)
        self.server.faults.log(
            method=self.command,
            address=self.path,
            range=self.headers.get("Range"),
            body=body.decode("utf-8", "replace"),
            fault=fault and fault.kind,
        )
        address = fault.instead if fault and fault.instead else self.path
        answer = self.server.site.answer(Request.of(self.command, address, body))
        if fault is None or fault.kind == "other":
            self.send_answer(answer)
        else:
            getattr(self, f"_{fault.kind}")(answer, fault)

    def _delay(self, answer, fault):
        time.sleep(fault.seconds)
        self.send_answer(answer)

    def _silence(self, answer, fault):
        # The client hangs up some time, or the server's process ends.
        self.connection.settimeout(None)
        self.rfile.read(1)
        self.close_connection = True

    def _status(self, answer, fault):
        page = Answer(PAGE, "text/html", fault.status, fault.headers)
        self.send_answer(page)

    def _html(self, answer, fault):
        self.send_answer(Answer(PAGE, "text/html"))

    def _truncated(self, answer, fault):
        self._send_changed(answer, lambda body: body[: len(body) // 2])
        self.close_connection = True

    def _corrupt(self, answer, fault):
        half = len(whole(answer)) // 2
        wrong = Answer(
            whole(answer)[:half].ljust(len(whole(answer)), b"\0"), answer.kind
        )
        self._send_changed(wrong, lambda body: body)

    def _send_changed(self, answer, change):
        """Announce the asked part of a body, and send what `change` makes of it."""
        body = whole(answer)
        size, part = len(body), byte_range(self.headers.get("Range", ""), len(body))
        self.send_response(answer.status if part is None else 206)
        if part is not None:
            place = f"bytes {part.start}-{part.stop - 1}/{size}"
            self.send_header("Content-Range", place)
            body = body[part.start : part.stop]
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(change(body))

    def _reset(self, answer, fault):
        # Closing a socket that lingers for 0 seconds sends RST in place of FIN.
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True
        self.rfile.close()
        self.connection.close()

    def _death(self, answer, fault):
        os._exit(1)


def whole(answer):
    """All bytes of an answer."""
    if isinstance(answer.content, bytes):
        return answer.content
    size = answer.content.stat().st_size
    return b"".join(pieces(answer.content, range(size)))


def main(folder, state):
    server = Server(Path(folder), handler=FaultyHandler)
    server.faults = Faults(Path(state))
    serve(server)


if __name__ == "__main__":
    main(*sys.argv[1:])
