"""The adapter: layouts of models, compiled operations, connected backends."""

from __future__ import annotations

from redis import Redis

from polystore.adapters.base import Capabilities, Feature, Prepared
from polystore.adapters.redis._async import AsyncRedisBackend
from polystore.adapters.redis._sync import RedisBackend
from polystore.adapters.redis.compile import compile_operation
from polystore.adapters.redis.layout import Layout, make_layout
from polystore.adapters.redis.target import Target
from polystore.errors import NotSupportedError
from polystore.query.operations import Operation
from polystore.query.operators import Aggregate, ArithmeticOperator, Holding, Operator
from polystore.schema.document_indexes import targets_of
from polystore.schema.kinds import Kind, ListKind
from polystore.schema.model import Schema

CAPABILITIES = Capabilities(
    operators=frozenset(
        {
            Operator.EXACT,
            Operator.IEXACT,
            Operator.STARTSWITH,
            Operator.ISTARTSWITH,
            Operator.GT,
            Operator.GTE,
            Operator.LT,
            Operator.LTE,
        }
    ),
    arithmetic=frozenset(ArithmeticOperator),
    features=frozenset(
        {
            Feature.ORDER_BYTES,
            Feature.PATHS,
            Feature.MODULO_FLOATS,
            Feature.UPDATE_EXPRESSIONS,
            Feature.DISTINCT,
            Feature.AGGREGATE_DISTINCT,
            Feature.AGGREGATE_FILTER,
            Feature.GROUP,
            Feature.HAVING,
            Feature.UPDATE_PATHS,
            Feature.IGNORE_CONFLICTS,
            Feature.UPDATE_CONFLICTS,
            Feature.TTL,
            Feature.COUNT_ESTIMATE,
            Feature.MICROSECONDS,
            Feature.INFINITY,
            Feature.ASYNC,
        }
    ),
    aggregates=frozenset({Aggregate.COUNT, Aggregate.SUM, Aggregate.AVG, Aggregate.MIN, Aggregate.MAX}),
    holdings=frozenset({Holding.ARRAY_CONTAINS, Holding.ARRAY_OVERLAP}),
)


class RedisAdapter:
    """Models on Redis. Conditions and orderings are answered from declared indexes; everything else is refused."""

    capabilities = CAPABILITIES

    def __init__(self, target: Target) -> None:
        self._target = target
        self.name = "fakeredis" if target.fake else "redis"
        self._layouts: dict[Schema, Layout] = {}
        self._client: Redis | None = None

    def check(self, schema: Schema) -> None:
        """Refuses a schema that cannot be kept here.

        Raises:
            NotSupportedError: a name that the adapter needs itself, or an index over several lists.
        """
        for info in schema.fields:
            if info.column == "_v":
                raise NotSupportedError(f"{info.label}: the column _v is taken on Redis; choose another db_column")
        for index in schema.document_indexes:
            lists = [target.label for target in targets_of(schema.fields, index) if isinstance(target.kind, ListKind)]
            if len(lists) > 1:
                raise NotSupportedError(
                    f"{schema.name}: index {index.name} is over several lists ({', '.join(lists)}), of which it would "
                    "keep every combination of elements; on Redis declare an index for each"
                )

    def find_layout(self, schema: Schema) -> Layout:
        """Where the model lives; made once."""
        layout = self._layouts.get(schema)
        if layout is None:
            self.check(schema)
            settings = self._target.settings
            layout = self._layouts[schema] = make_layout(schema, settings.namespace, settings.app)
        return layout

    def round(self, kind: Kind) -> None:
        """Every value is held as it is."""

    def compile(self, operation: Operation) -> Prepared:
        """Compiles an operation; see ``compile_operation``."""
        return compile_operation(self.find_layout(operation.schema), operation)

    def connect(self) -> RedisBackend:
        """The blocking backend; it connects at its first command."""
        return RedisBackend(self._target, self.find_layout)

    def connect_async(self) -> AsyncRedisBackend:
        """The backend for the running event loop; it connects at its first command."""
        return AsyncRedisBackend(self._target, self.find_layout)

    @property
    def client(self) -> Redis:
        """redis-py's client on the same server, with a pool of its own; made when first asked for."""
        if self._client is None:
            self._client = self._target.make_client()
        return self._client
