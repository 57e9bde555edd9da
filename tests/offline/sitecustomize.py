"""Turn the network off for every Python that starts, except for this machine itself.

Python imports a module with the name `sitecustomize` when it starts. So `KIT_OFFLINE=1`
and this folder in `PYTHONPATH` are enough, and kernels and workers inherit both.
"""

import os
import socket
from ipaddress import ip_address


def _is_this_machine(host):
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost", socket.gethostname()):
        return True
    try:
        return ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _require_this_machine(host):
    if not _is_this_machine(host):
        raise OSError(
            f"The network is off in this test, but the code connects to '{host}'. Use "
            "only files of the kit."
        )


def _guarded(connect):
    def guarded(self, address, *rest):
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _require_this_machine(address[0])
        return connect(self, address, *rest)

    return guarded


def _guarded_lookup(lookup):
    def guarded(host, *args, **kwargs):
        _require_this_machine(host)
        return lookup(host, *args, **kwargs)

    return guarded


def turn_network_off():
    """Refuse connections and name look-ups, except those of this machine."""
    socket.socket.connect = _guarded(socket.socket.connect)
    socket.socket.connect_ex = _guarded(socket.socket.connect_ex)
    socket.getaddrinfo = _guarded_lookup(socket.getaddrinfo)
    # GDAL has its own network code, which obeys these. Nothing listens on port 9.
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        os.environ[name] = "http://127.0.0.1:9"
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = "localhost,127.0.0.1,::1"


if os.environ.get("KIT_OFFLINE"):
    turn_network_off()
