"""How often a stranger may ask."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.enrol import limits
from central.enrol.limits import Limit, address_key


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.floats(0, 30), max_size=60))
def test_never_more_than_the_burst_and_the_rate(waits: list[float]) -> None:
    clock = Clock()
    limit, allowed = Limit(3, 0.5, clock), 0
    for wait in waits:
        clock.now += wait
        allowed += limit.allows("a")
    assert allowed <= 3 + 0.5 * clock.now + 1e-6
    assert allowed >= min(3, len(waits))


def test_one_does_not_pay_for_another() -> None:
    limit = Limit(1, 0.01, Clock())
    assert [limit.allows(key) for key in ("a", "a", "b")] == [True, False, True]


def test_memory_is_bounded_whoever_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_KEYS", 100)
    limit = Limit(1, 0.01, Clock())
    for number in range(1000):
        limit.allows(str(number))
    assert len(limit._left) == 100


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("203.0.113.7", "203.0.113.7"), ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("fe80::1%eth0", "fe80::/64"), ("nonsense", "nonsense"),
    ],
)  # fmt: skip
def test_one_customer_is_one_key(address: str, key: str) -> None:
    assert address_key(address) == key
