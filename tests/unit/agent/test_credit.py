"""How many rows may wait for an ack: few on a line without acks, many where they come."""

from agent.credit import Credit


def test_a_new_connection_may_have_32_under_way() -> None:
    credit = Credit()
    assert [credit.spent(waiting) for waiting in (0, 31, 32)] == [False, False, True]
    assert (credit.left(0), credit.left(30), credit.left(99)) == (32, 2, 0)


def test_credit_grows_with_what_is_acknowledged_up_to_a_bound() -> None:
    credit = Credit()
    for rows in (32, 64, 128, 256, 512, 1024, 2048):
        credit.acknowledged(rows)
    assert credit.size == 1024


def test_credit_halves_once_for_many_rows_overdue_and_never_below_where_it_began() -> None:
    credit = Credit()
    credit.acknowledged(200)
    for second in (0, 1, 2, 59):
        credit.overdue(second)
    assert credit.size == 116
    for minute in range(1, 9):
        credit.overdue(60 * minute)
    assert credit.size == 32
