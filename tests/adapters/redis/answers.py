"""What a question at the end of a query answers, in both colours, in a form that compares."""

from __future__ import annotations

from typing import Any


def answer(query: Any, terminal: str) -> Any:
    match terminal:
        case "rows":
            return [(row.pk, row.model_dump()) for row in query]
        case "count":
            return query.count()
        case "exists":
            return query.exists()
        case _:
            found = query.first() if terminal == "first" else query.last()
            return None if found is None else found.pk


async def async_answer(query: Any, terminal: str) -> Any:
    match terminal:
        case "rows":
            return [(row.pk, row.model_dump()) async for row in query]
        case "count":
            return await query.acount()
        case "exists":
            return await query.aexists()
        case _:
            found = await (query.afirst() if terminal == "first" else query.alast())
            return None if found is None else found.pk
