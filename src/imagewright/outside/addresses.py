"""Which addresses a download may not reach: those that mean this host, or know its secrets.

A component names the URL, and this host opens the connection: without this a component could read
what listens on the host's loopback, or the metadata service that hands out the host's credentials.
"""

import ipaddress

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in ("fd00:ec2::254", "100.100.100.200", "192.0.0.192", "168.63.129.16")
)
"""Metadata services of clouds that are not at a link-local address."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def why_refused(text: str) -> str | None:
    """Say what kind of address this is that no download may reach; None if it may."""
    address = ipaddress.ip_address(text.partition("%")[0])
    return next((why for each in _meanings(address) if (why := _kind(each))), None)


def _kind(address: _Address) -> str | None:
    if address in _METADATA:
        return "a metadata service"
    for is_so, kind in (
        (address.is_loopback, "a loopback address"),
        (address.is_link_local, "a link-local address"),
        (address.is_unspecified, "the unspecified address"),
        (address.is_multicast, "a multicast address"),
        (int(address) >> 24 == 0 and address.version == 4, "an address of this host"),
        (address.version == 4 and address.is_reserved, "a reserved address"),
    ):
        if is_so:
            return kind
    return None


def _meanings(address: _Address) -> tuple[_Address, ...]:
    """Return the address, and the one of version 4 that it stands for."""
    if not isinstance(address, ipaddress.IPv6Address):
        return (address,)
    within: list[_Address] = [address]
    if address.ipv4_mapped is not None:
        within.append(address.ipv4_mapped)
    if address.sixtofour is not None:
        within.append(address.sixtofour)
    if address in _NAT64 or int(address) >> 32 == 0:
        within.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return tuple(within)
