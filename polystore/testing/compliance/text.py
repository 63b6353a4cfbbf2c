"""Text: rules C1 to C19."""

from __future__ import annotations

import re

import pytest

from polystore.errors import FieldError, ValidationError
from polystore.query.operators import Operator
from polystore.testing.harness import Db, rule
from polystore.testing.models import Checked, Everything, TextKey

rows = Everything.objects


def texts(*values: str | None) -> list[dict[str, object]]:
    """Rows named n0, n1... with these texts."""
    return [{"name": f"n{place}", "text": value, "word": value or ""} for place, value in enumerate(values)]


@rule("C1")
def test_equality_regards_case_accents_and_spaces(db: Db) -> None:
    db.given(Everything, texts("alice", "Alice", "alicé", "alice ", " alice", "ALICE", None))
    assert db.found(rows.filter(text="alice")) == "n0"
    assert db.found(rows.filter(text="alice ")) == "n3"
    assert db.found(rows.filter(text__in=["Alice", "ALICE"])) == "n1 n5"
    assert db.found(rows.exclude(text="alice")) == "n1 n2 n3 n4 n5 n6"


@rule("C1", "C19")
def test_trailing_spaces_and_line_ends_are_part_of_a_text(db: Db) -> None:
    values = ["a", "a ", "a  ", "a\t", "a\n", " ", "", "\n"]
    db.given(Everything, texts(*values))
    for place, value in enumerate(values):
        assert db.found(rows.filter(text=value)) == f"n{place}"
        assert db(rows.all()).get(name=f"n{place}").text == value


@rule("C2")
@pytest.mark.parametrize(
    ("lookup", "expected"),
    [(Operator.CONTAINS, "n0 n1"), (Operator.STARTSWITH, "n0 n1"), (Operator.ENDSWITH, "n0 n4")],
    ids=lambda value: getattr(value, "value", None),
)
def test_searching_in_text_regards_case(db: Db, lookup: Operator, expected: str) -> None:
    db.need(lookup)
    db.given(Everything, texts("Ax-Ax", "Axle", "ax-ax", "AX", "-Ax", None))
    word = {Operator.CONTAINS: "Axl", Operator.STARTSWITH: "Ax", Operator.ENDSWITH: "Ax"}[lookup]
    if lookup is Operator.CONTAINS:
        word, expected = "Ax", "n0 n1 n4"
    assert db.found(rows.filter(**{f"text__{lookup.value}": word})) == expected
    assert db.found(rows.filter(**{f"word__{lookup.value}": word})) == expected


@rule("C3")
@pytest.mark.parametrize(
    "lookup", [Operator.IEXACT, Operator.ICONTAINS, Operator.ISTARTSWITH, Operator.IENDSWITH], ids=lambda o: o.value
)
def test_case_is_folded_beyond_ascii(db: Db, lookup: Operator) -> None:
    db.need(lookup)
    db.given(Everything, texts("ÉCOLE", "école", "ecole", "Привет", "ПРИВЕТ", "ΣΊΣΥΦΟΣ", "σίσυφος", None))
    name = f"text__{lookup.value}"
    assert db.found(rows.filter(**{name: "École"})) == "n0 n1"
    assert db.found(rows.filter(**{name: "привет"})) == "n3 n4"
    assert db.found(rows.filter(**{name: "Σίσυφοσ"})) == "n5 n6"
    assert db.found(rows.exclude(**{name: "École"})) == "n2 n3 n4 n5 n6 n7"


@rule("C3")
@pytest.mark.parametrize("lookup", [Operator.IEXACT, Operator.ICONTAINS, Operator.ISTARTSWITH], ids=lambda o: o.value)
def test_folding_maps_one_character_to_one(db: Db, lookup: Operator) -> None:
    db.need(lookup)
    db.given(Everything, texts("straße", "STRASSE", "STRAẞE", "ﬁn", "fin", "I", "\u0131", "İ", "i", "K", "k"))
    name = f"text__{lookup.value}"
    assert db.found(rows.filter(**{name: "strasse"})) == "n1"
    assert db.found(rows.filter(**{name: "straße"})) == "n0 n2"
    assert db.found(rows.filter(**{name: "FIN"})) == "n4"
    assert db.found(rows.filter(**{name: "\u0131"})) == "n6"
    assert db.found(rows.filter(**{name: "K"})) == "n10 n9"


@rule("C3")
def test_case_blind_search_finds_every_place_in_a_text(db: Db) -> None:
    db.need(Operator.ICONTAINS, Operator.ISTARTSWITH, Operator.IENDSWITH)
    db.given(Everything, texts("Rock Music", "hard ROCK", "pop", "punkrocker", None))
    assert db.found(rows.filter(text__icontains="rock")) == "n0 n1 n3"
    assert db.found(rows.filter(text__istartswith="ROCK")) == "n0"
    assert db.found(rows.filter(text__iendswith="Rock")) == "n1"


@rule("C4", "K6")
@pytest.mark.parametrize(
    "lookup",
    [
        Operator.CONTAINS,
        Operator.STARTSWITH,
        Operator.ENDSWITH,
        Operator.ICONTAINS,
        Operator.ISTARTSWITH,
        Operator.IENDSWITH,
        Operator.IEXACT,
    ],
    ids=lambda o: o.value,
)
def test_no_character_is_a_wildcard(db: Db, lookup: Operator) -> None:
    db.need(lookup)
    special = ["%", "_", "\\", "*", "?", "[a]", "^", "$", ".", "'", '"', "(", "|", "{", "%%", ";--"]
    db.given(Everything, texts("plain", *special, None))
    for place, value in enumerate(special, 1):
        holding = {f"n{i}" for i, text in enumerate(["plain", *special]) if _holds(lookup, text, value)}
        assert f"n{place}" in holding
        assert set(db.names(rows.filter(**{f"text__{lookup.value}": value}))) == holding


def _holds(lookup: Operator, text: str, value: str) -> bool:
    match lookup:
        case Operator.CONTAINS | Operator.ICONTAINS:
            return value in text
        case Operator.STARTSWITH | Operator.ISTARTSWITH:
            return text.startswith(value)
        case Operator.ENDSWITH | Operator.IENDSWITH:
            return text.endswith(value)
        case _:
            return text == value


REGEXES = {
    "^a": "n0 n5",
    "c$": "n0 n7",
    "^$": "n4",
    "b|x": "n0 n2 n7",
    "a.c": "n0",
    r"a\.c": "n5",
    "[0-9]+": "n1",
    r"\d{3}": "n1",
    r"^\w+$": "n0 n1 n2 n3 n7",
    "^[^a-z]+$": "n1 n2 n3",
    "^(ab|X)+c?$": "n0 n2",
    "é$": "n6",
    r"\s": "n6",
    "a?b{1,2}c": "n0 n7",
}


@rule("C5", needs=[Operator.REGEX])
@pytest.mark.parametrize("pattern", list(REGEXES))
def test_a_portable_regex_matches_as_in_python(db: Db, pattern: str) -> None:
    values = ["abc", "123", "XX", "A", "", "a.c\n", "un é", "bbc"]
    db.given(Everything, texts(*values, None))
    found = db.found(rows.filter(text__regex=pattern))
    assert found == " ".join(
        f"n{i}" for i, text in enumerate(values) if re.search(pattern.replace("$", r"\Z"), text, re.A)
    )
    assert set(db.names(rows.exclude(text__regex=pattern))) == {f"n{i}" for i in range(9)} - set(found.split())


@rule("C5", needs=[Operator.REGEX])
def test_the_end_of_a_pattern_is_the_very_end_of_the_text(db: Db) -> None:
    db.given(Everything, texts("a", "a\n", "b\na", "a\nb"))
    assert db.found(rows.filter(text__regex="^a$")) == "n0"
    assert db.found(rows.filter(text__regex="a.b")) == ""


@rule("C5", needs=[Operator.IREGEX])
def test_a_regex_without_case_folds_literals_and_classes(db: Db) -> None:
    db.given(Everything, texts("Rock", "ROCK", "pock", "École", "écolE", None))
    assert db.found(rows.filter(text__iregex="^r[o-p]CK$")) == "n0 n1"
    assert db.found(rows.filter(text__iregex="^ÉCOLE$")) == "n3 n4"


@rule("C5")
@pytest.mark.parametrize("pattern", ["(?=a)", r"\1", "(a", "a**", "[", "(a+)+", r"\b", "x{300}", "(?i)a", "a" * 1001])
def test_a_regex_outside_the_portable_subset_is_refused(db: Db, pattern: str) -> None:
    db.given(Everything, texts("a"))
    with db.commands(0), pytest.raises(FieldError, match="regular expression"):
        db(rows.filter(text__regex=pattern)).rows()


@rule("C6", "K3")
@pytest.mark.parametrize(
    "value", ["$name", "$$NOW", "{$gt: 1}", "'; DROP TABLE x; --", "\\", "%s", ":p1", "{}", "[1]", "a,b"]
)
def test_texts_that_look_like_commands_are_values(db: Db, value: str) -> None:
    db.given(Everything, texts(value, "name", "other"))
    assert db.found(rows.filter(text=value)) == "n0"
    assert db.found(rows.filter(text__in=[value, "x"])) == "n0"
    assert db(rows.filter(name="n1")).update(text=value) == 1
    assert db.found(rows.filter(text=value)) == "n0 n1"


@rule("K3")
@pytest.mark.parametrize("value", [{"$ne": None}, {"$gt": ""}, ["a"], ("a",), {"a"}], ids=str)
def test_structures_are_no_values_of_a_scalar_field(db: Db, value: object) -> None:
    db.given(Everything, texts("a"))
    with db.commands(0), pytest.raises(FieldError, match=r"Everything\.text"):
        db(rows.filter(text=value)).rows()
    with db.commands(0), pytest.raises(FieldError, match=r"Everything\.number"):
        db(rows.filter(number__gt=value)).rows()


@rule("C7", "C8")
def test_texts_are_ordered_by_code_point(db: Db) -> None:
    values = [
        "",
        "\t",
        " ",
        "!",
        "10",
        "9",
        "A",
        "B",
        "Z",
        "_",
        "a",
        "aa",
        "ab",
        "b",
        "z",
        "~",
        "é",
        "z\u0301",
        "Ω",
        "я",
        "\uffff",
        "\U0001f600",
    ]
    ordered = sorted(values)
    db.given(Everything, [{"name": f"v{v}", "text": v, "word": v} for v in values])
    assert [row.text for row in db(rows.order_by("text")).rows()] == ordered
    assert [row.word for row in db(rows.order_by("-word")).rows()] == ordered[::-1]
    assert {row.text for row in db(rows.filter(text__gte="a", text__lt="z")).rows()} == {"a", "aa", "ab", "b"}
    assert {row.text for row in db(rows.filter(word__gt="\uffff")).rows()} == {"\U0001f600"}


@rule("C9")
def test_texts_are_not_normalised(db: Db) -> None:
    composed, decomposed = "\u00e9", "e\u0301"
    db.given(Everything, texts(composed, decomposed))
    assert db.found(rows.filter(text=composed)) == "n0"
    assert db.found(rows.filter(text=decomposed)) == "n1"
    assert db(rows.filter(text=decomposed)).get().text == decomposed


@rule("C10", "C11")
@pytest.mark.parametrize("value", ["a\0b", "\0", "\ud800", "a\udfff"], ids=ascii)
def test_nul_and_lone_surrogates_are_refused(db: Db, value: str) -> None:
    db.given(Everything, texts("a"))
    for field in ("text", "data", "tags"):
        given = [value] if field == "tags" else value
        with db.commands(0), pytest.raises(ValidationError, match=rf"Everything\.{field}"):
            db(rows.all()).create(name="x", **{field: given})
    with db.commands(0), pytest.raises(ValidationError, match=r"Everything\.data"):
        db(rows.all()).create(name="x", data={value: 1})
    with db.commands(0), pytest.raises(ValidationError, match=r"Everything\.text"):
        db(rows.all()).update(text=value)
    for lookup in ("text", "text__contains", "text__in"):
        with db.commands(0), pytest.raises(FieldError, match="text"):
            db(rows.filter(**{lookup: [value] if lookup.endswith("in") and "con" not in lookup else value})).rows()


@rule("C12")
def test_max_length_counts_characters(db: Db) -> None:
    db.given(Checked, [{"name": "a"}])
    for value in ("ééééé", "\U0001f600" * 5, "日本語日本"):
        made = db(Checked.objects.all()).create(name=value)
        assert db(Checked.objects.all()).get(pk=made.pk).name == value
        with db.commands(0), pytest.raises(ValidationError, match=r"Checked\.name"):
            db(Checked.objects.all()).create(name=value + "x")
        with db.commands(0), pytest.raises(ValidationError, match=r"Checked\.name"):
            db(Checked.objects.all()).update(name=value + "x")


@rule("C15")
def test_separators_within_values_separate_nothing(db: Db) -> None:
    values = ["a|b", "b|a", "a,b", ",", "|", "a:b", ":", "a\x1fb", "a b"]
    db.given(Everything, texts(*values))
    for place, value in enumerate(values):
        assert db.found(rows.filter(text=value)) == f"n{place}"
    assert db.found(rows.filter(text="a")) == ""


@rule("C16")
@pytest.mark.parametrize(
    "lookup",
    [
        Operator.CONTAINS,
        Operator.STARTSWITH,
        Operator.ENDSWITH,
        Operator.ICONTAINS,
        Operator.ISTARTSWITH,
        Operator.IENDSWITH,
    ],
    ids=lambda o: o.value,
)
def test_every_text_contains_the_empty_one(db: Db, lookup: Operator) -> None:
    db.given(Everything, texts("", "a", None))
    assert db.found(rows.filter(**{f"text__{lookup.value}": ""})) == "n0 n1"
    assert db.found(rows.exclude(**{f"text__{lookup.value}": ""})) == "n2"


@rule("C17")
def test_long_texts_come_back_whole(db: Db) -> None:
    long = "ab\u00e9" * 20_000
    db.given(
        Everything, [{"name": "a", "data": {"text": long}, "tags": [long], "text": "x" * 200, "word": "\u00e9" * 200}]
    )
    row = db(rows.filter(text="x" * 200)).get()
    assert (row.data, row.tags, row.word) == ({"text": long}, [long], "\u00e9" * 200)


@rule("C18")
@pytest.mark.parametrize(
    "key", ["a:b", "{a}", "a{b}c", "a b", "%", "a/b", "a.b", "$a", "*", "[a]", "é", "'", '"', "a\nb", ""]
)
def test_any_text_is_a_key(db: Db, key: str) -> None:
    db.given(TextKey, [{"code": key, "name": "it"}, {"code": "other", "name": "other"}])
    assert db(TextKey.objects.all()).get(pk=key).name == "it"
    assert db(TextKey.objects.all()).in_bulk([key, "none"]).keys() == {key}
    assert db(TextKey.objects.filter(code=key)).delete() == (1, {"TextKey": 1})
    assert db.found(TextKey.objects.all()) == "other"
