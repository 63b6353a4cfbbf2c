"""The guide is complete: it names every verb, lookup, option, URL and error that there is."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest

from polystore import QuerySet, Repository, Store, errors
from polystore.api.fields import FieldOptions
from polystore.engine.open import SCHEMES
from polystore.query.lookups.containers import CONTAINER_WORDS
from polystore.query.operators import Aggregate, DatePart, Function, Operator, WindowFunction
from polystore.schema.build import MetaInfo
from tests.docs.guide import FILES, ROOT, program_of

ERRORS = [name for name, found in vars(errors).items() if isinstance(found, type) and issubclass(found, Exception)]
PYDANTIC_OPTIONS = {
    "allow_inf_nan",
    "coerce_numbers_to_str",
    "deprecated",
    "discriminator",
    "examples",
    "exclude",
    "frozen",
    "json_schema_extra",
    "repr",
    "serialization_alias",
    "strict",
    "validate_default",
    "validation_alias",
}


def verbs(kind: type) -> list[str]:
    return [name for name in dir(kind) if not name.startswith("_")]


def blocking(names: Iterable[str]) -> list[str]:
    names = list(names)
    return [name for name in names if not (name.startswith("a") and name[1:] in names)]


EXPECTED = {
    "querying.md": [
        *(operator.value for operator in Operator),
        *(part.value for part in DatePart),
        *("in", "range", "isnull"),
        *verbs(QuerySet),
    ],
    "expressions.md": [
        *(each.value.partition("(")[0] for each in (*Function, *Aggregate, *WindowFunction)),
        *("Extract", "Mod", "Value", "Window", "RowRange", "ValueRange"),
    ],
    "documents.md": ["contains", "len", "isnull", "Index", *CONTAINER_WORDS],
    "repositories.md": blocking(verbs(Repository)),
    "stores.md": [*(f"{scheme}:" for scheme in SCHEMES if "+" not in scheme), "from_settings", "using"],
    "models.md": [*MetaInfo.__struct_fields__, *(set(FieldOptions.__annotations__) - PYDANTIC_OPTIONS)],
    "errors.md": ERRORS,
}

CALLED = [
    *(name for kind in (QuerySet, Repository) for name in verbs(kind) if name != "model"),
    *(each.value.partition("(")[0] for each in (*Function, *Aggregate, *WindowFunction)),
    *("Extract", "Mod", "Value", "Window", "RowRange", "ValueRange"),
]


def test_the_guide_has_an_example_of_each_verb_and_function():
    code = "\n".join(program_of(file).text for file in FILES)
    assert [name for name in CALLED if not re.search(rf"(?<!\w){name}\(", code)] == []


def test_the_guide_has_an_example_of_each_lookup_and_each_part_of_a_date():
    code = program_of(ROOT / "docs" / "querying.md").text
    words = [*(each.value for each in (*Operator, *DatePart)), "in", "range", "isnull"]
    assert [word for word in words if f"__{word}=" not in code and f"__{word}__" not in code] == []


@pytest.mark.parametrize("page", EXPECTED)
def test_the_guide_names_all_there_is(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    missing = [
        word for word in EXPECTED[page] if not re.search(rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z0-9])", text)
    ]
    assert missing == []


def test_the_guide_names_all_verbs_of_a_store():
    text = (ROOT / "docs" / "stores.md").read_text(encoding="utf-8") + (ROOT / "docs" / "repositories.md").read_text()
    missing = [name for name in blocking(verbs(Store)) if f"{name}(" not in text]
    assert missing == ["handle"]


def test_the_readme_has_a_place_for_the_capability_table():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    begin, end = readme.index("<!-- capabilities:begin -->"), readme.index("<!-- capabilities:end -->")
    assert begin < end
