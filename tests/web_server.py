"""A server of files with range requests and faults, in a process of its own.

`python web_server.py FOLDER` prints its port. The first part of an address chooses
what goes wrong, the last is a file of the folder: `/slow/a.tif`. Any number may follow
the fault, so that a test has an address of its own: `/slow-3/a.tif`.
"""

import re
import sys
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

# How often each address was asked for; `/count/slow-3/a.tif` tells it.
asked = Counter()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        self.answer(body=True)

    def answer(self, *, body):
        if self.path.startswith("/count/"):
            return self.send(200, str(asked[self.path[len("/count") :]]).encode())
        asked[self.path] += 1
        fault = re.match("/[a-z]+", self.path)[0][1:]
        file = Path(sys.argv[1]) / self.path.rpartition("/")[2]
        if fault == "silent":
            time.sleep(1000)
        # Sidecars and the list of files in a folder are not there.
        if not file.is_file():
            return self.send(404)
        if (fault == "twice" and asked[self.path] <= 2) or fault == "down":
            return self.send(503)
        if fault == "busy" and asked[self.path] <= 2:
            return self.send(429, headers={"Retry-After": "500"})
        if fault == "recovers" and asked[self.path] <= 20:
            return self.send(503)
        return self.send_file(file.read_bytes(), fault, body=body)

    def send(self, status, content=b"", headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def send_file(self, content, fault, *, body):
        size, status, start, end = len(content), 200, 0, len(content) - 1
        asked_for = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked_for:
            status, start = 206, int(asked_for[1])
            end = min(end, int(asked_for[2] or end))
        self.send_response(status)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(end - start + 1))
        if asked_for:
            self.send_header("Content-Range", f"bytes {start}-{end}/{size}")
        self.end_headers()
        if body:
            self.send_bytes(content[start : end + 1], fault, later=start > 0)

    def send_bytes(self, content, fault, *, later):
        if fault == "slow":
            for first in range(0, len(content), 4096):
                self.wfile.write(content[first : first + 4096])
                time.sleep(0.05)
            return
        # The header of the raster comes, its pixels do not.
        broken = later and fault in ("truncated", "stalls")
        self.wfile.write(content[: len(content) // 2] if broken else content)
        self.wfile.flush()
        if broken and fault == "stalls":
            time.sleep(1000)
        self.close_connection = broken


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    # Doctests import this module.
    main()
