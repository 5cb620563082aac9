"""What a technician reads: in every language the same facts, always the centre, few enough SMS."""

import tomllib
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from central.notify import texts
from central.notify.texts import segments, sentence
from central.registry import LANGUAGES
from stage.parts import RULES

FOLDER = Path(texts.__file__).parent
BOOKS = {file.stem: tomllib.loads(file.read_text(encoding="utf-8")) for file in FOLDER.glob("*.toml")}
LONGEST_ID = "ABCDEFGH-ABCDEFGH-ABCDEFGH-ABCDEFGH"
LONGEST_NAME = "n" * 60
LATIN = ("en", "roman-ur")


def alerts() -> dict[str, str]:
    """Alert -> severity, of the shipped rules."""
    groups = yaml.safe_load((RULES / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    return {rule["alert"]: rule["labels"]["severity"] for group in groups for rule in group["rules"]}


SENTENCES = [(alert, variant) for alert, variants in BOOKS["en"].items() for variant in variants]


def said(alert: str, variant: str, language: str, *, centre: str = "PK-PB-00042", name: str = "e-Rozgar Multan") -> str:
    return sentence(alert, variant, language, centre=centre, name=name, severity=alerts().get(alert, "critical"))


def test_there_is_a_book_for_every_language_that_the_registry_takes() -> None:
    assert set(BOOKS) == set(LANGUAGES)


@pytest.mark.parametrize("language", sorted(BOOKS))
def test_every_language_says_what_english_says(language: str) -> None:
    def keys(book: dict[str, dict[str, dict[str, str]]]) -> set[tuple[str, str, str]]:
        return {(alert, variant, key) for alert, found in book.items() for variant, one in found.items() for key in one}

    assert keys(BOOKS[language]) == keys(BOOKS["en"])
    for alert, variants in BOOKS[language].items():
        for one in variants.values():
            assert set(one) == {"what", "do"}
            assert one["what"].strip()
            assert one["do"].strip()
            assert ("{alert}" in one["what"]) == (alert == "default")


def test_every_alert_of_the_shipped_rules_has_its_own_sentence() -> None:
    assert set(alerts()) <= set(BOOKS["en"])


def test_every_cause_of_an_offline_centre_has_its_own_sentence() -> None:
    assert set(BOOKS["en"]["CentreOffline"]) == {"power", "internet", "unknown"}


@pytest.mark.parametrize("language", LATIN)
@pytest.mark.parametrize(("alert", "variant"), SENTENCES)
def test_a_critical_text_fits_one_sms_even_with_the_longest_id(language: str, alert: str, variant: str) -> None:
    text = sentence(alert, variant, language, centre=LONGEST_ID, name=LONGEST_NAME, severity="critical")
    assert segments(text) == 1, text
    assert text.startswith((f"{LONGEST_ID}: ", f"{LONGEST_NAME} ({LONGEST_ID}): ")), "the name is dropped before the id"


@pytest.mark.parametrize("severity", ["critical", "warning", "ticket", ""])
@pytest.mark.parametrize("language", sorted(BOOKS))
@pytest.mark.parametrize(("alert", "variant"), SENTENCES)
def test_no_text_takes_more_than_two_sms(language: str, severity: str, alert: str, variant: str) -> None:
    text = sentence(alert, variant, language, centre=LONGEST_ID, name=LONGEST_NAME, severity=severity)
    assert segments(text) <= 2, text


@pytest.mark.parametrize("language", LATIN)
def test_latin_texts_need_no_unicode_sms(language: str) -> None:
    for alert, variant in SENTENCES:
        text = said(alert, variant, language)
        assert segments(text + "x" * (160 - len(text))) == 1, text


@pytest.mark.parametrize("language", sorted(BOOKS))
@pytest.mark.parametrize(("alert", "variant"), SENTENCES)
def test_the_centre_is_named_and_by_name_where_it_fits(language: str, alert: str, variant: str) -> None:
    text = said(alert, variant, language)
    assert "PK-PB-00042" in text
    assert text.startswith(("e-Rozgar Multan (PK-PB-00042): ", "PK-PB-00042: "))
    assert said(alert, variant, language, name="A").startswith("A (PK-PB-00042): ")
    assert "{" not in text


def test_digits_and_ids_stay_latin_in_urdu() -> None:
    for variants in BOOKS["ur"].values():
        for one in variants.values():
            assert not any(character.isdigit() and not character.isascii() for character in one["what"] + one["do"])


def test_a_cause_that_nobody_foresaw_is_the_unknown_one() -> None:
    assert said("CentreOffline", "meteor", "en") == said("CentreOffline", "unknown", "en")
    assert said("CentreOffline", "", "en") == said("CentreOffline", "unknown", "en")
    assert said("MainsLost", "meteor", "en") == said("MainsLost", "default", "en")


def test_an_alert_that_nobody_foresaw_is_named_as_it_is() -> None:
    assert said("RoofOnFire", "", "en", name="A") == "A (PK-PB-00042): RoofOnFire. Look at the centre's page."


def test_a_language_without_a_book_reads_english() -> None:
    assert said("MainsLost", "", "de") == said("MainsLost", "", "en")


def test_an_unnamed_centre_is_not_named_twice() -> None:
    assert said("MainsLost", "", "en", name="PK-PB-00042").count("PK-PB-00042") == 1


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1), ("a" * 160, 1), ("a" * 161, 2), ("a" * 306, 2), ("a" * 307, 3),
        ("ب" * 70, 1), ("ب" * 71, 2), ("ب" * 134, 2), ("ب" * 135, 3), ("a" * 70 + "ب", 2),
    ],
)  # fmt: skip
def test_segments_are_those_of_gsm_and_of_unicode(text: str, count: int) -> None:
    """3GPP TS 23.038."""
    assert segments(text) == count


@given(st.text(max_size=80), st.text(max_size=20), st.sampled_from(sorted(BOOKS)), st.text(max_size=60))
def test_whatever_the_labels_are_there_is_a_text_that_names_the_centre(
    alert: str, variant: str, language: str, name: str
) -> None:
    text = sentence(alert, variant, language, centre="PK-PB-00042", name=name, severity="warning")
    assert "PK-PB-00042" in text
    assert len(text) <= 480
