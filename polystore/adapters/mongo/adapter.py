"""The adapter for MongoDB servers: replica sets, sharded clusters and single servers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database

from polystore.adapters.mongo import types
from polystore.adapters.mongo._async import AsyncMongoBackend
from polystore.adapters.mongo._sync import MongoBackend
from polystore.adapters.mongo.compile import compile_operation
from polystore.adapters.mongo.ddl import check_schema
from polystore.adapters.mongo.dialect import SERVER
from polystore.adapters.mongo.pipelines import HandwrittenPipeline, handwritten
from polystore.adapters.mongo.prepared import MongoPrepared
from polystore.adapters.mongo.template import Convert
from polystore.adapters.mongo.url import MongoSettings
from polystore.query.capabilities import Capabilities, Feature
from polystore.query.operations import Operation
from polystore.schema.kinds import Kind
from polystore.schema.model import Schema


class MongoAdapter:
    """One configured MongoDB database. Servers from version 5 on hold every key that JSON can have."""

    name = "mongodb"

    def __init__(self, settings: MongoSettings) -> None:
        self._settings = settings
        self._database: Database[dict[str, Any]] | None = None
        features = SERVER.capabilities.features
        if settings.transactions:
            features = features | {Feature.ATOMIC_BATCH}
        self.capabilities: Capabilities = replace(SERVER.capabilities, features=features)

    def check(self, schema: Schema) -> None:
        """Refuses Decimals beyond 34 digits, columns named ``_id``, and indexes over two arrays or a place in one."""
        check_schema(schema)

    def compile(self, operation: Operation) -> MongoPrepared:
        return compile_operation(operation, SERVER)

    def raw(self, schema: Schema, query: Any, parameters: Any) -> HandwrittenPipeline:
        """A pipeline made ready."""
        return handwritten(SERVER, schema, query, parameters)

    def round(self, kind: Kind) -> Convert | None:
        """A BSON date holds milliseconds."""
        return types.rounding(kind)

    def connect(self) -> MongoBackend:
        return MongoBackend(self._settings)

    def connect_async(self) -> AsyncMongoBackend:
        return AsyncMongoBackend(self._settings)

    @property
    def database(self) -> Database[dict[str, Any]]:
        """PyMongo's database on the same server, with a client of its own; made when first asked for."""
        if self._database is None:
            client: MongoClient[dict[str, Any]] = MongoClient(self._settings.url, **self._settings.options)
            self._database = client.get_database(self._settings.database, codec_options=types.CODEC)
        return self._database
