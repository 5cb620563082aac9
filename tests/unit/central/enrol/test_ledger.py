"""Tokens and certificates, on SQLite and on PostgreSQL."""

import contextlib
import threading
from datetime import timedelta

import pytest
from sqlalchemy import Engine, delete, select

from central.database import centres, certificates, enrolments, revoked_centres
from central.enrol import ledger
from central.enrol.ledger import Issued
from central.enrol.refusal import Refused
from telemetry.errors import ConfigError
from tests.unit.central.enrol.parts import CENTRE, NOW, OTHER

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def _sign(serial: str, days: float = 365) -> ledger.Sign:
    return lambda centre: Issued(serial, f"key-{serial}", NOW, NOW + days * DAY, f"pem of {centre}")


def _redeem(engine: Engine, token: str, serial: str = "a1", *, claimed: str = "", after: timedelta = HOUR) -> str:
    centre, issued = ledger.redeem(
        engine, token, key=f"key-{serial}", claimed=claimed, now=NOW + after, sign=_sign(serial)
    )
    assert issued.pem == f"pem of {centre}"
    return centre


def _token(engine: Engine, centre: str = CENTRE) -> str:
    return ledger.new_token(engine, centre, 72 * HOUR, NOW)


def _refused(engine: Engine, token: str, **more: object) -> str:
    with pytest.raises(Refused) as refused:
        _redeem(engine, token, **more)
    return refused.value.reason


def test_a_token_gives_its_own_centres_name_whatever_is_asked(engine: Engine) -> None:
    assert _redeem(engine, _token(engine, OTHER)) == OTHER


def test_a_token_is_not_in_the_database(engine: Engine) -> None:
    token = _token(engine)
    assert len(token.replace("-", "")) == 32
    with engine.connect() as connection:
        (row,) = connection.execute(select(enrolments)).all()
    assert not any(part.lower() in str(tuple(row)).lower() for part in token.split("-"))


@pytest.mark.parametrize("typed", [str.lower, lambda text: text.replace("-", " "), lambda text: f" {text}\n"])
def test_a_token_may_be_typed_as_people_type(engine: Engine, typed: object) -> None:
    assert callable(typed)
    assert _redeem(engine, typed(_token(engine))) == CENTRE


@pytest.mark.parametrize("guess", ["", "A" * 32, "-", "\ud800", "'; DROP TABLE centres; --", "é" * 32])
def test_what_is_no_token_is_refused(engine: Engine, guess: str) -> None:
    _token(engine)
    assert _refused(engine, guess) == "token"


def test_wrong_used_and_expired_tokens_are_refused_with_one_word(engine: Engine) -> None:
    used, old = _token(engine), _token(engine)
    _redeem(engine, used)
    answers = {_refused(engine, "A" * 32), _refused(engine, used, serial="b2"), _refused(engine, old, after=73 * HOUR)}
    assert answers == {"token"}


def test_an_answer_that_was_lost_on_the_line_is_given_again_to_the_same_key_only(engine: Engine) -> None:
    token = _token(engine)
    assert _redeem(engine, token) == _redeem(engine, token) == CENTRE
    with engine.connect() as connection:
        assert connection.scalars(select(certificates.c.serial)).all() == ["a1"]
    assert _refused(engine, token, serial="b2") == "token"


def test_a_revoked_certificate_is_not_given_again(engine: Engine) -> None:
    token = _token(engine)
    _redeem(engine, token)
    ledger.revoke(engine, NOW + HOUR, "stolen", centre=CENTRE)
    assert _refused(engine, token) == "token"


def test_a_mix_up_of_gateways_costs_no_token(engine: Engine) -> None:
    token = _token(engine)
    assert _refused(engine, token, claimed=OTHER) == "other_centre"
    assert _redeem(engine, token, claimed=CENTRE) == CENTRE


def test_a_centre_that_left_the_registry_gets_no_certificate_and_keeps_its_token(engine: Engine) -> None:
    token = _token(engine)
    with engine.begin() as connection:
        connection.execute(delete(centres).where(centres.c.id == CENTRE))
    assert _refused(engine, token) == "unregistered"
    with engine.connect() as connection:
        assert connection.scalars(select(enrolments.c.used)).all() == [None]


def test_a_centre_that_nobody_registered_gets_no_token(engine: Engine) -> None:
    with pytest.raises(ConfigError, match="centres import"):
        _token(engine, "PK-PB-99999")


def test_of_many_at_once_exactly_one_wins(engine: Engine) -> None:
    token, barrier = _token(engine), threading.Barrier(8)
    won: list[str] = []
    lost: list[str] = []

    def use(serial: str) -> None:
        barrier.wait()
        try:
            _redeem(engine, token, serial)
            won.append(serial)
        except Refused as refused:
            lost.append(refused.reason)

    threads = [threading.Thread(target=use, args=(f"{number:x}f",)) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    assert (len(won), lost) == (1, ["token"] * 7)
    with engine.connect() as connection:
        assert connection.scalars(select(certificates.c.serial)).all() == won


def test_a_signature_that_fails_costs_no_token(engine: Engine) -> None:
    token = _token(engine)

    def fails(_centre: str) -> Issued:
        raise OSError("the key is away")

    with pytest.raises(OSError, match="away"):
        ledger.redeem(engine, token, key="k", claimed="", now=NOW, sign=fails)
    assert _redeem(engine, token) == CENTRE


def test_a_renewal_needs_a_certificate_that_counts(engine: Engine) -> None:
    _redeem(engine, _token(engine))

    def renewed(serial: str, new: str, centre: str = CENTRE, after: timedelta = DAY) -> str:
        try:
            return ledger.renew(engine, centre, serial, now=NOW + after, sign=_sign(new)).serial
        except Refused as refused:
            return refused.reason

    assert renewed("a1", "b2") == "b2"
    assert renewed("ff", "c3") == "certificate"  # never issued
    assert renewed("a1", "c3", centre=OTHER) == "certificate"
    assert renewed("a1", "c3", after=366 * DAY) == "certificate"
    ledger.revoke(engine, NOW + DAY, "", serial="A1")
    assert renewed("a1", "c3") == "certificate"
    assert renewed("b2", "c3") == "c3"


def test_revoking_a_centre_ends_all_its_certificates_and_its_unused_tokens(engine: Engine) -> None:
    _redeem(engine, _token(engine))
    ledger.renew(engine, CENTRE, "a1", now=NOW + DAY, sign=_sign("b2"))
    _redeem(engine, _token(engine, OTHER), "c3")
    unused = _token(engine)
    assert ledger.revoke(engine, NOW + DAY, "stolen", centre=CENTRE) == (CENTRE, ["a1", "b2"])
    assert [one.serial for one in ledger.revoked(engine, NOW + DAY)] == ["a1", "b2"]
    assert ledger.unenforced(engine) == {"a1": CENTRE, "b2": CENTRE}
    assert _refused(engine, unused, serial="d4", after=2 * DAY) == "token"
    assert revoked_centres(engine, NOW + DAY) == {CENTRE}
    ledger.mark_enforced(engine, ["a1", "b2"], NOW + DAY)
    assert ledger.unenforced(engine) == {}


def test_a_centre_that_enrolled_anew_is_believed_again(engine: Engine) -> None:
    _redeem(engine, _token(engine))
    ledger.revoke(engine, NOW + HOUR, "stolen", centre=CENTRE)
    _redeem(engine, _token(engine), "b2")
    assert revoked_centres(engine, NOW + DAY) == frozenset()


def test_what_ran_out_leaves_the_list_after_a_day(engine: Engine) -> None:
    _redeem(engine, _token(engine))
    ledger.revoke(engine, NOW + HOUR, "", centre=CENTRE)
    assert [len(ledger.revoked(engine, NOW + days * DAY)) for days in (364, 365.5, 367)] == [1, 1, 0]


@pytest.mark.parametrize("what", [{"centre": CENTRE}, {"serial": "ff"}])
def test_nothing_to_revoke_is_said(engine: Engine, what: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="no certificate"):
        ledger.revoke(engine, NOW, "", **what)


def test_no_renewal_slips_past_a_revocation(engine: Engine) -> None:
    """Renewals and a revocation at once: afterwards nothing of the centre counts, whoever came first."""
    _redeem(engine, _token(engine))
    barrier = threading.Barrier(5)

    def renew(serial: str) -> None:
        barrier.wait()
        with contextlib.suppress(Refused):
            ledger.renew(engine, CENTRE, "a1", now=NOW + DAY, sign=_sign(serial))

    threads = [threading.Thread(target=renew, args=(f"b{number}",)) for number in range(4)]
    for one in threads:
        one.start()
    barrier.wait()
    ledger.revoke(engine, NOW + DAY, "stolen", centre=CENTRE)
    for one in threads:
        one.join(30)
    with engine.connect() as connection:
        assert None not in connection.scalars(select(certificates.c.revoked_at)).all()
