"""Inserts that change rows in conflict: the server's own clause looks at every unique key, so it seldom serves."""

from __future__ import annotations

from polystore.adapters.sql.upserts import ConflictParts


def conflict_texts(parts: ConflictParts, insert: str) -> dict[str, str]:
    """With a target that alone can collide, the server's own clause; else an update by the target comes first."""
    equal = "=" if parts.nulls_distinct else "<=>"
    where = " AND ".join(f"{name} {equal} %s" for name in parts.target)
    texts = {
        "insert": insert,
        "change": f"UPDATE {parts.table} SET {parts.assignments('%s')} WHERE {where}",
        "tell": f"(SELECT %s AS place, {', '.join(parts.told)} FROM {parts.table} WHERE {where})",
    }
    if parts.alone:
        tail = f" ON DUPLICATE KEY UPDATE {parts.assignments('VALUES({})')}"
        texts |= {"one": insert + tail, "tail": tail}
    return texts
