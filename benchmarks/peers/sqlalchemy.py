"""The ORM of SQLAlchemy, a session for each unit of work, as its guide has it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Numeric, String, create_engine, delete, event, select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker
from sqlalchemy.types import TypeDecorator

from benchmarks.contender import Contender, Row
from benchmarks.items import FIRST_NEW, NAMES


class Moment(TypeDecorator[datetime]):
    """An aware datetime, on SQLite too."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value if value is None or value.tzinfo is UTC else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """The registry of the mapped class."""


class Item(Base):
    """The measured row."""

    __tablename__ = "sqlalchemy_item"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    name: Mapped[str] = mapped_column(String)
    category: Mapped[str] = mapped_column(String)
    description: Mapped[str] = mapped_column(String)
    quantity: Mapped[int] = mapped_column(BigInteger)
    weight: Mapped[float]
    active: Mapped[bool]
    price: Mapped[Decimal] = mapped_column(Numeric(10, 2))
    created: Mapped[datetime] = mapped_column(Moment)
    attributes: Mapped[dict[str, Any]] = mapped_column(JSON)
    owner_id: Mapped[int] = mapped_column(BigInteger, index=True)


_COLUMNS = [getattr(Item, name) for name in NAMES]


class SqlAlchemy(Contender):
    """``Session``."""

    name = "SQLAlchemy"

    def __init__(self, url: str) -> None:
        self._url = url

    def open(self) -> None:
        self._engine = create_engine(self._url)
        _tune(self._engine)
        self._session = sessionmaker(self._engine)
        Base.metadata.drop_all(self._engine)
        Base.metadata.create_all(self._engine)

    def close(self) -> None:
        Base.metadata.drop_all(self._engine)
        self._engine.dispose()

    def get(self, key: int) -> Any:
        with self._session() as session:
            return session.get(Item, key)

    def filter(self, owner: int) -> Any:
        with self._session() as session:
            return session.scalars(select(Item).where(Item.owner_id == owner)).all()

    def fetch(self, last: int) -> Any:
        with self._session() as session:
            return session.scalars(select(Item).where(Item.id <= last)).all()

    def values(self, last: int) -> Any:
        with self._session() as session:
            return session.execute(select(*_COLUMNS).where(Item.id <= last)).mappings().all()

    def insert(self, row: Row) -> None:
        with self._session() as session:
            session.add(Item(**row))
            session.commit()

    def bulk(self, rows: list[Row]) -> None:
        with self._session() as session:
            session.add_all([Item(**row) for row in rows])
            session.commit()

    def update(self, key: int, quantity: int) -> None:
        with self._session() as session:
            item = session.get(Item, key)
            assert item is not None
            item.quantity = quantity
            session.commit()

    def delete_new(self) -> None:
        with self._session() as session:
            session.execute(delete(Item).where(Item.id >= FIRST_NEW))
            session.commit()


class AsyncSqlAlchemy(Contender):
    """``AsyncSession``."""

    name = "SQLAlchemy"

    def __init__(self, url: str) -> None:
        self._url = url

    async def open(self) -> None:
        self._engine = create_async_engine(self._url)
        _tune(self._engine.sync_engine)
        self._session = async_sessionmaker(self._engine)
        async with self._engine.begin() as connection:
            await connection.run_sync(Base.metadata.drop_all)
            await connection.run_sync(Base.metadata.create_all)

    async def close(self) -> None:
        async with self._engine.begin() as connection:
            await connection.run_sync(Base.metadata.drop_all)
        await self._engine.dispose()

    async def get(self, key: int) -> Any:
        async with self._session() as session:
            return await session.get(Item, key)

    async def filter(self, owner: int) -> Any:
        async with self._session() as session:
            return (await session.scalars(select(Item).where(Item.owner_id == owner))).all()

    async def fetch(self, last: int) -> Any:
        async with self._session() as session:
            return (await session.scalars(select(Item).where(Item.id <= last))).all()

    async def values(self, last: int) -> Any:
        async with self._session() as session:
            return (await session.execute(select(*_COLUMNS).where(Item.id <= last))).mappings().all()

    async def insert(self, row: Row) -> None:
        async with self._session() as session:
            session.add(Item(**row))
            await session.commit()

    async def bulk(self, rows: list[Row]) -> None:
        async with self._session() as session:
            session.add_all([Item(**row) for row in rows])
            await session.commit()

    async def update(self, key: int, quantity: int) -> None:
        async with self._session() as session:
            item = await session.get(Item, key)
            assert item is not None
            item.quantity = quantity
            await session.commit()

    async def delete_new(self) -> None:
        async with self._session() as session:
            await session.execute(delete(Item).where(Item.id >= FIRST_NEW))
            await session.commit()


def _tune(engine: Any) -> None:
    """The same journal for every contender on SQLite."""
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def _(connection: Any, _: Any) -> None:
            for pragma in ("journal_mode = WAL", "synchronous = NORMAL"):
                connection.cursor().execute(f"PRAGMA {pragma}")
