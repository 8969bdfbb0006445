"""The addresses behind a host's name, and which of them are private."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from governance.authorities.executor.steps import HandlerFault

# Addresses of IPv6 that stand for one of IPv4, whose last 32 bits they have.
_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("::/96"))


def resolve_host(host: str, port: int, *, allow_private: bool) -> list[str]:
    """Return the addresses of a host; the caller connects to these and asks no second time.

    Raises:
        HandlerFault: one of the addresses is private, and private ones are not allowed.
        OSError: the name cannot be resolved.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))
    if not allow_private:
        for address in addresses:
            if not is_public(address):
                raise HandlerFault(
                    f"{host} is at {address}, a private address, which its route does not allow."
                )
    return addresses


def is_public(address: str) -> bool:
    """Return whether an address belongs to the public internet."""
    try:
        ip = ip_address(address)
    except ValueError:  # as with a zone: fe80::1%eth0
        return False
    if isinstance(ip, IPv6Address):
        ip = _inner(ip)
    return ip.is_global and not ip.is_multicast


def _inner(ip: IPv6Address) -> IPv4Address | IPv6Address:
    """Return the address of IPv4 that an address of IPv6 stands for, if it stands for one."""
    inner = ip.ipv4_mapped or ip.sixtofour
    if inner is None and any(ip in network for network in _TRANSLATED):
        inner = IPv4Address(int(ip) & 0xFFFFFFFF)
    return inner or ip
