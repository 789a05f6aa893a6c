from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from zero2prod_core.domain.networks import network_of, site_of


@pytest.mark.parametrize(
    ("text", "network", "site"),
    [
        (None, None, None),
        ("", None, None),
        ("192.0.2.1", "192.0.2.1", None),
        ("::ffff:192.0.2.1", "192.0.2.1", None),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("2001:0DB8:0001:0002::", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/64", "fe80::/48"),
        ("::1", "::/64", "::/48"),
    ],
)
def test_ipv4_counts_by_itself_and_ipv6_by_its_prefixes(
    text: str | None, network: str | None, site: str | None
) -> None:
    assert (network_of(text), site_of(text)) == (network, site)


@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_whatever_the_last_64_bits_are_the_network_is_the_same(found: IPv6Address, last: int) -> None:
    other = IPv6Address(int(found) >> 64 << 64 | last)
    assume(not (found.ipv4_mapped or other.ipv4_mapped))
    assert network_of(str(other)) == network_of(str(found))
    assert site_of(str(other)) == site_of(str(found))


@given(st.ip_addresses(v=6), st.ip_addresses(v=6))
def test_networks_of_one_site_share_48_bits(one: IPv6Address, two: IPv6Address) -> None:
    if not (one.ipv4_mapped or two.ipv4_mapped):
        assert (site_of(str(one)) == site_of(str(two))) == (int(one) >> 80 == int(two) >> 80)


@given(st.ip_addresses(v=4))
def test_every_ipv4_network_address_is_a_network(found: IPv4Address) -> None:
    assert (network_of(str(found)), site_of(str(found))) == (str(found), None)


@pytest.mark.parametrize("text", ["nobody", "192.0.2.256", "192.0.2.1:80", "2001:db8::/32"])
def test_anything_else_is_a_mistake_of_the_caller(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        network_of(text)
    with pytest.raises(ValueError, match=r"."):
        site_of(text)
