"""The demo's BER against pyasn1's: two writers who have not seen each other's work."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyasn1.codec.ber import decoder, encoder
from pyasn1.type import univ

from agent.demo import ber

ARCS = st.tuples(st.integers(0, 2), st.integers(0, 39)).flatmap(
    lambda first: st.lists(st.integers(0, 2**32 - 1), max_size=20).map(lambda rest: (*first, *rest))
)


@given(st.integers(-(2**70), 2**70))
def test_integers_are_those_of_pyasn1(value: int) -> None:
    body = ber.integer(value)
    assert body == encoder.encode(univ.Integer(value))
    (item,) = ber.items(body)
    assert ber.to_int(item.body) == value


@given(ARCS)
def test_object_identifiers_are_those_of_pyasn1(arcs: tuple[int, ...]) -> None:
    body = ber.oid(arcs)
    assert body == encoder.encode(univ.ObjectIdentifier(arcs))
    (item,) = ber.items(body)
    assert ber.to_oid(item.body) == arcs


@given(st.binary(max_size=70_000))
def test_octets_of_any_length_are_those_of_pyasn1(octets: bytes) -> None:
    body = ber.element(ber.OCTETS, octets)
    assert bytes(decoder.decode(body)[0]) == octets
    assert body == encoder.encode(univ.OctetString(octets))


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_elements_come_apart_as_they_were_put_together(parts: list[bytes]) -> None:
    data = b"".join(ber.element(ber.OCTETS, part) for part in parts)
    assert [item.body for item in ber.items(data)] == parts


@given(st.binary(max_size=40))
def test_malformed_bytes_raise_what_the_docstring_says(data: bytes) -> None:
    try:
        found = list(ber.items(data))
    except (ValueError, IndexError):
        return
    assert sum(len(item.body) for item in found) <= len(data)


@pytest.mark.parametrize(("text", "arcs"), [("1.3.6", (1, 3, 6)), (".1.3.6", (1, 3, 6)), ("1.3.6.", (1, 3, 6))])
def test_dotted_text_is_arcs(text: str, arcs: tuple[int, ...]) -> None:
    assert ber.dotted(text) == arcs
