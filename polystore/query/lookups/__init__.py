"""The language of lookups: what ``field__path__part__lookup`` means is known here alone."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from polystore.errors import FieldError, suggestion
from polystore.query.coerce import Coerce, Verdict, allowed_operators, coercer
from polystore.query.lookups.containers import CONTAINER_WORDS, container_tests, holding_coercer, words_of
from polystore.query.lookups.paths import find_subject, wrong_word
from polystore.query.names import Scope
from polystore.query.nodes import part_kind
from polystore.query.operators import DatePart, Holding, Operator
from polystore.query.signatures import PARTS
from polystore.schema.kinds import EmbeddedKind, IntKind, JsonKind, Kind, ListKind, describe_kind, is_container
from polystore.schema.model import FieldInfo

_OPERATORS = {operator.value: operator for operator in Operator}
_OTHER_TESTS = ("in", "range", "isnull")
_WORDS = frozenset([*_OPERATORS, *_OTHER_TESTS, *CONTAINER_WORDS])
_MOST_LOOKUPS = 4096
"""Names of lookups that a scope remembers: keys of JSON may be anything."""


class Lookup(Struct, frozen=True):
    """A lookup's name understood: a field, perhaps a part of it, and the test; ``coerce`` serves its values.

    The field may be a path, one of the elements of lists (``elements``, the outermost list first); of a list it may be
    the number of items (``size``) that is tested.
    """

    name: str
    field: FieldInfo
    part: DatePart | None
    test: Operator | Holding | str
    kind: Kind
    coerce: Coerce
    elements: tuple[FieldInfo, ...] = ()
    size: bool = False


def find_lookup(scope: Scope, name: str) -> Lookup:
    """The meaning of a lookup's name; found once for each scope and name.

    Raises:
        FieldError: no such field, part or lookup; the message lists those there are.
    """
    lookup: Lookup | None = scope.lookups.get(name)
    if lookup is None:
        lookup = _parse(scope, name)
        if len(scope.lookups) >= _MOST_LOOKUPS:
            scope.lookups.clear()
            scope.coercers.clear()
        scope.lookups[name] = lookup
        if isinstance(lookup.test, Operator) and not isinstance(lookup.kind, JsonKind):
            scope.coercers[name] = lookup.coerce
    return lookup


def _parse(scope: Scope, name: str) -> Lookup:
    elements, field, rest = find_subject(scope, name, _WORDS.__contains__)
    kind = field.kind
    part = None
    size = isinstance(kind, ListKind) and rest[:1] == ("len",)
    if size:
        kind, rest = IntKind(), rest[1:]
    elif rest and not is_container(kind) and (found := _part(rest[0])) is not None:
        part = found
        if part not in PARTS.get(type(kind), ()):
            raise FieldError(f"{field.label} is {describe_kind(kind)}: it has no {part.value} to look up ({name})")
        kind, rest = part_kind(part), rest[1:]
    word = rest[0] if rest else "exact"
    if len(rest) > 1 or word not in _WORDS:
        raise FieldError(_wrong_lookup(field, kind, rest, name))
    if is_container(kind):
        test = _container_test(field, kind, word, name)
        return Lookup(name, field, None, test, kind, holding_coercer(kind, test), elements)
    plain = _OPERATORS.get(word) or word
    _check_test(field, kind, plain, name)
    operator = plain if isinstance(plain, Operator) else Operator.EXACT
    return Lookup(name, field, part, plain, kind, lookup_coercer(part, kind, operator), elements, size)


def _wrong_lookup(field: FieldInfo, kind: Kind, rest: tuple[str, ...], name: str) -> str:
    if isinstance(kind, EmbeddedKind | ListKind) and rest[0] not in _WORDS:
        return f"{name}: {wrong_word(field, rest[0])}"
    known = [*_OPERATORS, *_OTHER_TESTS]
    near = suggestion(rest[0], [*known, *(each.value for each in PARTS.get(type(kind), ()))])
    return f"{field.label} has no lookup {'__'.join(rest)!r} ({name}); lookups are {', '.join(known)}{near}"


def _container_test(field: FieldInfo, kind: Kind, word: str, name: str) -> Operator | Holding | str:
    tests = container_tests(kind)
    if word not in tests:
        use = ", ".join(words_of(kind))
        raise FieldError(f"{field.label} is {describe_kind(kind)}: {name} does not apply; use {use}")
    return tests[word]


def _part(word: str) -> DatePart | None:
    try:
        return DatePart(word)
    except ValueError:
        return None


def _check_test(field: FieldInfo, kind: Kind, test: Operator | str, name: str) -> None:
    allowed = allowed_operators(kind)
    if (
        test in ("isnull", Operator.EXACT)
        or (test == "in" and allowed)
        or (test == "range" and Operator.LTE in allowed)
        or test in allowed
    ):
        return
    words = [operator.value for operator in Operator if operator in allowed]
    words += [word for word, needs in (("in", Operator.EXACT), ("range", Operator.LTE)) if needs in allowed]
    raise FieldError(
        f"{field.label} is {describe_kind(kind)}: {name} does not apply; use {', '.join([*words, 'isnull'])}"
    )


def lookup_coercer(part: DatePart | None, kind: Kind, operator: Operator) -> Coerce:
    """The function from a user's value to the one that a field, or a part of one, is compared with."""
    if part is not DatePart.YEAR:
        return coercer(kind, operator)
    year = coercer(IntKind(), operator)

    def coerce(value: Any) -> Any:
        plain = year(value)
        if isinstance(plain, Verdict) or 1 <= plain <= 9999:
            return plain
        beyond = (Operator.LT, Operator.LTE) if plain > 9999 else (Operator.GT, Operator.GTE)
        return Verdict.NOT_NULL if operator in beyond else Verdict.NEVER

    return coerce
