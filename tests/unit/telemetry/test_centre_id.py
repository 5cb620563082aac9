"""The one way to write a centre's name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.centre_id import EXAMPLE, centre_id
from telemetry.errors import Rejected


@pytest.mark.parametrize("text", [EXAMPLE, "A", "PK", "12345678", "A-B-C-D", "ABCDEFGH-12345678-ABCDEFGH-12345678"])
def test_an_id_is_up_to_four_short_words_of_capitals_and_digits(text: str) -> None:
    assert centre_id(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "", "pk-pb-00042", "PK_PB_00042", "ABCDEFGHI", "A-B-C-D-E", "-A", "A-", "A--B", "A\n", " A", "PK-PB-00042 ",
        "+", "#", "PK/x", "PK-PB-٠٠٠٤٢", "ＰＫ", "A.B", "A\0",
    ],
)  # fmt: skip
def test_anything_else_is_rejected_as_a_topic(text: str) -> None:
    with pytest.raises(Rejected) as caught:
        centre_id(text)
    assert caught.value.reason == "topic"


@given(st.text(max_size=12))
def test_no_text_gets_through_that_could_leave_its_place_in_a_topic(text: str) -> None:
    try:
        centre_id(text)
    except Rejected:
        return
    assert not set(text) & set("/+#$\0\n ")
