"""The language of lookups: the only file that knows what ``field__part__lookup`` means."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from polystore.errors import FieldError, suggestion
from polystore.query.coerce import Coerce, Verdict, allowed_operators, coercer
from polystore.query.names import Names, Scope
from polystore.query.nodes import DatePart, Operator, part_kind
from polystore.query.signatures import PARTS
from polystore.schema.kinds import IntKind, Kind, describe_kind
from polystore.schema.model import FieldInfo

_OPERATORS = {operator.value: operator for operator in Operator}
_OTHER_TESTS = ("in", "range", "isnull")


class Lookup(Struct, frozen=True):
    """A lookup's name understood: a field, perhaps a part of it, and the test; ``coerce`` serves its values."""

    name: str
    field: FieldInfo
    part: DatePart | None
    test: Operator | str
    kind: Kind
    coerce: Coerce


def find_lookup(scope: Scope, name: str) -> Lookup:
    """The meaning of a lookup's name; found once for each scope and name.

    Raises:
        FieldError: no such field, part or lookup; the message lists those there are.
    """
    lookup: Lookup | None = scope.lookups.get(name)
    if lookup is None:
        lookup = _parse(scope, name)
        scope.lookups[name] = lookup
        if isinstance(lookup.test, Operator):
            scope.coercers[name] = lookup.coerce
    return lookup


def _parse(scope: Scope, name: str) -> Lookup:
    field, rest = _subject(scope, name)
    kind = field.kind
    part = None
    if rest and (found := _part(rest[0])) is not None:
        part = found
        if part not in PARTS.get(type(kind), ()):
            raise FieldError(f"{field.label} is {describe_kind(kind)}: it has no {part.value} to look up ({name})")
        kind = part_kind(part)
        rest = rest[1:]
    word = rest.pop(0) if rest else "exact"
    test: Operator | str | None = _OPERATORS.get(word) or (word if word in _OTHER_TESTS else None)
    if test is None or rest:
        known = [*_OPERATORS, *_OTHER_TESTS]
        near = suggestion(word, [*known, *(each.value for each in PARTS.get(type(kind), ()))])
        raise FieldError(
            f"{field.label} has no lookup {'__'.join([word, *rest])!r} ({name}); lookups are {', '.join(known)}{near}"
        )
    _check_test(field, kind, test, name)
    operator = test if isinstance(test, Operator) else Operator.EXACT
    return Lookup(name, field, part, test, kind, lookup_coercer(part, kind, operator))


def _subject(scope: Scope, name: str) -> tuple[FieldInfo, list[str]]:
    """What a lookup is about, and the words that follow; the longest name wins (``total__sum__gt``)."""
    words = name.split("__")
    if isinstance(scope, Names):
        for size in range(len(words), 0, -1):
            annotation = scope.annotations.get("__".join(words[:size]))
            if annotation is not None:
                return annotation.field, words[size:]
    return scope.field(words[0]), words[1:]


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
