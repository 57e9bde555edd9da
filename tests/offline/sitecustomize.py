"""Turns the network off, all but this machine, for every Python that starts.

Python imports a module of this name by itself: `KIT_OFFLINE=1` and this folder in
`PYTHONPATH` are enough, and kernels and workers inherit both.
"""

import os
import socket
from ipaddress import ip_address


def _is_near(host):
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost", socket.gethostname()):
        return True
    try:
        return ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _require_near(host):
    if not _is_near(host):
        raise OSError(
            f"The network is off in this test, and something asks for '{host}'. Use "
            "what comes with the kit."
        )


def _guarded(connect):
    def guarded(self, address, *rest):
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _require_near(address[0])
        return connect(self, address, *rest)

    return guarded


def _guarded_lookup(lookup):
    def guarded(host, *args, **kwargs):
        _require_near(host)
        return lookup(host, *args, **kwargs)

    return guarded


def turn_network_off():
    """Refuse every connection and every look-up of a name but this machine's."""
    socket.socket.connect = _guarded(socket.socket.connect)
    socket.socket.connect_ex = _guarded(socket.socket.connect_ex)
    socket.getaddrinfo = _guarded_lookup(socket.getaddrinfo)
    # GDAL has a network of its own, which asks these. Nothing listens on port 9.
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        os.environ[name] = "http://127.0.0.1:9"
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = "localhost,127.0.0.1,::1"


if os.environ.get("KIT_OFFLINE"):
    turn_network_off()
