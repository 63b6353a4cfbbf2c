"""Makes a condition plain: constants folded, nests flattened, negations pushed down to the leaves."""

from __future__ import annotations

from typing import assert_never

from polystore.query.nodes import (
    All,
    AnyElement,
    Column,
    Compare,
    Condition,
    Either,
    HasRows,
    Holds,
    IsNull,
    Not,
    Path,
    Within,
    WithinRows,
)

TRUE = All()
FALSE = Either()


def simplify(condition: Condition) -> Condition:
    """An equal condition with ``Not`` only before a leaf, and ``All()`` and ``Either()`` only at the root."""
    return _positive(condition)


def rooted(condition: Condition) -> All:
    """The simplified condition with ``All`` at its root."""
    plain = simplify(condition)
    return plain if isinstance(plain, All) else All((plain,))


def _positive(condition: Condition) -> Condition:
    match condition:
        case All(children=children):
            return _all([_positive(child) for child in children])
        case Either(children=children):
            return _either([_positive(child) for child in children])
        case Not(child=child):
            return _negative(child)
        case IsNull() | Compare() | Within() | Holds() | HasRows() | WithinRows():
            return condition
        case AnyElement(operand=operand, condition=inner):
            return _any_element(operand, inner)
    assert_never(condition)


def _negative(condition: Condition) -> Condition:
    match condition:
        case All(children=children):
            return _either([_negative(child) for child in children])
        case Either(children=children):
            return _all([_negative(child) for child in children])
        case Not(child=child):
            return _positive(child)
        case IsNull() | Compare() | Within() | Holds() | HasRows() | WithinRows():
            return Not(condition)
        case AnyElement(operand=operand, condition=inner):
            found = _any_element(operand, inner)
            return Not(found) if isinstance(found, AnyElement) else TRUE
    assert_never(condition)


def _any_element(operand: Column | Path, inner: Condition) -> Condition:
    made = rooted(inner)
    return FALSE if FALSE in made.children else AnyElement(operand, made)


def _all(children: list[Condition]) -> Condition:
    flat: dict[Condition, None] = {}
    for child in children:
        if child == FALSE:
            return FALSE
        flat.update(dict.fromkeys(child.children if isinstance(child, All) else (child,)))
    return next(iter(flat)) if len(flat) == 1 else All(tuple(flat))


def _either(children: list[Condition]) -> Condition:
    flat: dict[Condition, None] = {}
    for child in children:
        if child == TRUE:
            return TRUE
        flat.update(dict.fromkeys(child.children if isinstance(child, Either) else (child,)))
    return next(iter(flat)) if len(flat) == 1 else Either(tuple(flat))
