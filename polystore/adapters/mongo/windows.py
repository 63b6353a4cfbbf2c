"""Windows as pipelines: beside each row its partition, its place there, and what is gathered of the rows around it.

Rows that tie are found by their key: a server ranks by one field only, and frames of values take numbers only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, assert_never

from bson import Int64

from polystore.adapters.mongo.aggregates import finished, gathered, needs_least, operand_of
from polystore.adapters.mongo.expressions import kind_of, refuse_order, value_of
from polystore.adapters.mongo.scope import Scope
from polystore.adapters.mongo.values import Document, either, in_kind, literal, null, or_null
from polystore.errors import NotSupportedError
from polystore.query.explain import describe_expression
from polystore.query.nodes import Aggregated, Computed, Expression, Frame, Windowed
from polystore.query.operators import Aggregate, WindowFunction
from polystore.schema.kinds import FloatKind, plain_kind

Stages: TypeAlias = list[Document]

_OVER = "_over"
_PARTITION, _PEERS, _NUMBER, _COUNT = "$_over.partition", "$_over.peers", "$_over.number", "$_over.count"
_PLACE: Document = {"$sum": 1, "window": {"documents": ["unbounded", "current"]}}
"""The number of the row: the server's own numbers rows in the order of one field only."""
_WHOLE = ["unbounded", "unbounded"]
_NOT_ADDED = (Aggregate.COUNT, Aggregate.MIN, Aggregate.MAX)


def window_stages(windows: Sequence[Computed], scope: Scope) -> Stages:
    """The stages that put the values of windows beside the rows, under their names."""
    stages: Stages = []
    for each in windows:
        assert isinstance(each.expression, Windowed)
        stages += _Writer(each.expression, scope).stages(each.name)
    return stages


class _Writer:
    """Writes the stages of one window."""

    def __init__(self, window: Windowed, scope: Scope) -> None:
        self.window = window
        self.scope = scope
        self.sort: dict[str, int] = {}
        self.found: Stages = []

    def stages(self, name: str) -> Stages:
        """The stages after which the value stands under its name."""
        self._prepare()
        value = self._value()
        return [*self.found, {"$set": {name: value}}, {"$unset": _OVER}]

    # ---- rows, partitions and places

    def _prepare(self) -> None:
        """Puts beside each row what tells its partition, its place and the rows that tie with it."""
        keys: Document = {}
        for place, term in enumerate(self.window.order):
            refuse_order(term.expression, self.scope.dialect)
            value = or_null(value_of(term.expression, self.scope))
            if term.nulls is not None:
                keys[f"null{place}"] = null(value)
                self.sort[f"{_OVER}.peers.null{place}"] = 1 if term.nulls == "last" else -1
            keys[f"key{place}"] = value
            self.sort[f"{_OVER}.peers.key{place}"] = -1 if term.descending else 1
        partition = {
            f"by{place}": or_null(value_of(each, self.scope, exact=False))
            for place, each in enumerate(self.window.partition)
        }
        beside: Document = {"partition": partition or literal(0), "peers": keys or literal(0)}
        self.found.append({"$set": {_OVER: beside | self._values()}})

    def _values(self) -> Document:
        window = self.window
        if isinstance(window.function, Aggregate):
            return {"value": operand_of(self._node(), self.scope)}
        if window.operand is None:
            return {}
        values = {"value": self._in_kind(window.operand)}
        return values if window.default is None else values | {"default": self._in_kind(window.default)}

    def _in_kind(self, expression: Expression) -> Any:
        value = value_of(expression, self.scope)
        wanted = plain_kind(self.window.kind)
        if expression.kind is None or plain_kind(expression.kind) == wanted:
            return or_null(value)
        return either(null(value), None, in_kind(value, expression.kind, wanted))

    def _node(self) -> Aggregated:
        window = self.window
        assert isinstance(window.function, Aggregate)
        return Aggregated(window.function, window.operand, window.kind, condition=window.condition)

    def _over(self, output: Mapping[str, Any], *, sort: Mapping[str, int] | None = None, peers: bool = False) -> None:
        """One more stage that computes of the rows of the partition, or of those that tie."""
        by: Any = {"partition": _PARTITION, "peers": _PEERS} if peers else _PARTITION
        stage: Document = {"partitionBy": by}
        if sort:
            stage["sortBy"] = dict(sort)
        stage["output"] = {f"{_OVER}.{name}": each for name, each in output.items()}
        self.found.append({"$setWindowFields": stage})

    def _number_rows(self) -> None:
        self._over({"number": _PLACE}, sort=self.sort or {f"{_OVER}.partition": 1})

    def _count_rows(self) -> None:
        self._over({"count": {"$sum": 1}})

    def _bound_peers(self) -> None:
        """The places of the first and the last of the rows that tie."""
        self._number_rows()
        self._over({"start": {"$min": _NUMBER}, "end": {"$max": _NUMBER}}, peers=True)

    # ---- functions

    def _value(self) -> Any:
        function = self.window.function
        if isinstance(function, Aggregate):
            return self._aggregate()
        match function:
            case WindowFunction.ROW_NUMBER:
                self._number_rows()
                return _NUMBER
            case WindowFunction.RANK:
                self._bound_peers()
                return "$_over.start"
            case WindowFunction.DENSE_RANK:
                return self._dense_rank()
            case WindowFunction.PERCENT_RANK:
                self._bound_peers()
                self._count_rows()
                others = {"$subtract": [{"$max": [_COUNT, 2]}, 1]}
                return {"$divide": [{"$toDouble": {"$subtract": ["$_over.start", 1]}}, others]}
            case WindowFunction.CUME_DIST:
                self._bound_peers()
                self._count_rows()
                return {"$divide": [{"$toDouble": "$_over.end"}, _COUNT]}
            case WindowFunction.NTILE:
                return self._tile()
            case WindowFunction.LAG | WindowFunction.LEAD:
                return self._neighbour()
            case WindowFunction.FIRST_VALUE | WindowFunction.LAST_VALUE:
                operator = "$first" if function is WindowFunction.FIRST_VALUE else "$last"
                self._over({"found": _framed({operator: "$_over.value"}, self.window.frame)}, sort=self.sort)
                return or_null("$_over.found")
            case WindowFunction.NTH_VALUE:
                return self._nth()
        assert_never(function)

    def _dense_rank(self) -> Any:
        self._bound_peers()
        begins = either({"$eq": [_NUMBER, "$_over.start"]}, 1, 0)
        running = {"$sum": begins, "window": {"documents": ["unbounded", "current"]}}
        self._over({"rank": running}, sort={f"{_OVER}.number": 1})
        return "$_over.rank"

    def _tile(self) -> Any:
        self._number_rows()
        self._count_rows()
        tiles = literal(Int64(self.window.number))
        before = {"$subtract": [_NUMBER, 1]}
        size = {"$toLong": {"$floor": {"$divide": [_COUNT, tiles]}}}
        larger = {"$mod": [_COUNT, tiles]}
        wide = {"$add": ["$$size", 1]}
        cut = {"$multiply": [wide, "$$larger"]}
        in_larger = {"$floor": {"$divide": ["$$before", wide]}}
        in_smaller = {"$add": ["$$larger", {"$floor": {"$divide": [{"$subtract": ["$$before", cut]}, "$$size"]}}]}
        tile = either({"$lt": ["$$before", cut]}, in_larger, in_smaller)
        return {
            "$let": {
                "vars": {"before": before, "size": size, "larger": larger},
                "in": {"$toLong": {"$add": [tile, 1]}},
            }
        }

    def _neighbour(self) -> Any:
        window = self.window
        behind = window.function is WindowFunction.LAG
        shift = {"output": "$_over.value", "by": -window.number if behind else window.number}
        self._over({"found": {"$shift": shift}, "number": _PLACE}, sort=self.sort)
        if window.default is None:
            return or_null("$_over.found")
        self._count_rows()
        place = _NUMBER if behind else {"$subtract": [{"$add": [_COUNT, 1]}, _NUMBER]}
        return either({"$lte": [place, window.number]}, "$_over.default", or_null("$_over.found"))

    def _nth(self) -> Any:
        """Of a frame that begins with the partition the row of that number, else the one in so much of the frame."""
        nth, frame = self.window.number, self.window.frame
        if frame.start is None:
            self._number_rows()
            value = {"$push": either({"$eq": [_NUMBER, nth]}, "$_over.value", "$$REMOVE")}
            self._over({"found": _framed(value, frame)}, sort={f"{_OVER}.number": 1})
            return or_null({"$arrayElemAt": ["$_over.found", 0]})
        last = frame.start + nth - 1 + max(0, -frame.start)
        some = Frame("rows", frame.start, last if frame.end is None else min(last, frame.end))
        self._over({"found": _framed({"$push": "$_over.value"}, some)}, sort=self.sort)
        return or_null({"$arrayElemAt": ["$_over.found", nth - 1]})

    # ---- aggregates

    def _aggregate(self) -> Any:
        node, frame = self._node(), self.window.frame
        self._refuse_moving_floats(node)
        least: Any = None
        if needs_least(node):
            self._over({"least": {"$min": "$_over.value"}})
            least = "$_over.least"
        parts = gathered(node, "found", "$_over.value", least)
        if frame.unit == "rows":
            self._over({name: _framed(part, frame) for name, part in parts.items()}, sort=self.sort)
        elif frame.start is None and frame.end is None:
            self._over(parts)
        elif frame.start == 0 and frame.end == 0:
            self._over(parts, peers=True)
        else:
            self._run(parts, "$last" if frame.start is None else "$first")
        return finished(node, f"{_OVER}.found")

    def _run(self, parts: Mapping[str, Document], operator: str) -> None:
        """What is gathered from one end of the partition up to a row, alike for rows that tie."""
        frame = Frame("rows", None, 0) if operator == "$last" else Frame("rows", 0, None)
        running = {name: _framed(part, frame) for name, part in parts.items()}
        self._over({**running, "number": _PLACE}, sort=self.sort)
        alike = {name: {operator: f"$_over.{name}", "window": {"documents": _WHOLE}} for name in parts}
        self._over(alike, sort={f"{_OVER}.number": 1}, peers=True)

    def _refuse_moving_floats(self, node: Aggregated) -> None:
        moves = self.window.frame.start is not None and self.window.frame != Frame("values", 0, 0)
        floats = node.operand is not None and isinstance(kind_of(node.operand), FloatKind)
        if moves and floats and node.aggregate not in _NOT_ADDED:
            raise NotSupportedError(
                f"MongoDB cannot do {describe_expression(self.window)}: it takes floats that leave the frame off a "
                "rounded sum; begin the frame with the partition, or put .client(max_rows=...) before it"
            )


def _framed(output: Document, frame: Frame) -> Document:
    """What is gathered of the rows in a frame."""
    if frame.start is None and frame.end is None:
        return {**output, "window": {"documents": _WHOLE}}
    return {**output, "window": {"documents": [_bound(frame.start), _bound(frame.end)]}}


def _bound(bound: int | None) -> Any:
    return "unbounded" if bound is None else "current" if bound == 0 else bound
