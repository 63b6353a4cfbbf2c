"""Conditions on elements of a list: what one ``filter()`` says of them holds for one and the same element."""

from __future__ import annotations

from collections.abc import Iterable

from polystore.query.nodes import All, AnyElement, Column, Condition, Either, Path


def of_same_elements(condition: Condition) -> Condition:
    """The condition with all that it says of a list's elements said of the same one.

    Conditions behind a ``Not`` are of their own: no element fulfils them.
    """
    if not _lists_of(condition):
        return condition
    match condition:
        case All(children=children):
            return _all(_flat(children))
        case Either(children=children):
            return Either(_joined([_single(of_same_elements(child)) for child in children], Either))
        case AnyElement(operand=operand, condition=inner):
            return AnyElement(operand, of_same_elements(inner))
        case _:
            return condition


def _flat(children: Iterable[Condition]) -> list[Condition]:
    """The children, those of an All within among them."""
    found: list[Condition] = []
    for child in children:
        found += _flat(child.children) if isinstance(child, All) else [of_same_elements(child)]
    return found


def _all(children: list[Condition]) -> Condition:
    """All of these; an Either that speaks of a list beside others is distributed, so that each part finds its like."""
    children = [each for child in children for each in _flat((_single(child),))]
    for child in children:
        others = [each for each in children if each is not child]
        shared = {operand for each in others for operand in _lists_of(each)}
        if isinstance(child, Either) and shared.intersection(_lists_of(child)):
            return Either(tuple(_all(_flat((*others, branch))) for branch in child.children))
    return All(_joined(children, All))


def _single(condition: Condition) -> Condition:
    """The only child of a condition that has one."""
    while isinstance(condition, All | Either) and len(condition.children) == 1:
        condition = condition.children[0]
    return condition


def _joined(children: Iterable[Condition], connector: type[All | Either]) -> tuple[Condition, ...]:
    """The conditions with those on elements of the same list made one."""
    others: list[Condition] = []
    lists: dict[Column | Path, list[Condition]] = {}
    for child in children:
        if isinstance(child, AnyElement):
            lists.setdefault(child.operand, []).append(child.condition)
        else:
            others.append(child)
    for operand, conditions in lists.items():
        joined = conditions[0] if len(conditions) == 1 else connector(tuple(conditions))
        others.append(AnyElement(operand, of_same_elements(joined)))
    return tuple(others)


def _lists_of(condition: Condition) -> set[Column | Path]:
    """The lists whose elements a condition speaks of without a ``Not`` before it."""
    match condition:
        case AnyElement(operand=operand):
            return {operand}
        case All(children=children) | Either(children=children):
            return {operand for child in children for operand in _lists_of(child)}
        case _:
            return set()
