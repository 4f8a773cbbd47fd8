"""Which addresses downloads may not reach."""

import pytest

from imagewright.outside.addresses import why_refused


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("127.0.0.1", "loopback"),
        ("127.8.9.10", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::127.0.0.1", "loopback"),
        ("64:ff9b::7f00:1", "loopback"),
        ("2002:7f00:1::", "loopback"),
        ("169.254.169.254", "link-local"),
        ("::ffff:169.254.169.254", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("fd00:ec2::254", "metadata"),
        ("100.100.100.200", "metadata"),
        ("168.63.129.16", "metadata"),
        ("0.0.0.0", "unspecified"),  # noqa: S104 - nobody binds it
        ("::", "unspecified"),
        ("0.1.2.3", "this host"),
        ("224.0.0.1", "multicast"),
        ("240.0.0.1", "reserved"),
    ],
)
def test_what_means_the_host_or_its_metadata_is_refused(address: str, why: str) -> None:
    assert why in (why_refused(address) or "")


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "10.0.0.1", "192.168.1.1", "2606:2800:220::1", "fd00::1"]
)
def test_others_may_be_reached(address: str) -> None:
    assert why_refused(address) is None
