"""PyMySQL and asyncmy: how they connect, and how values go in and come out.

Both write values into the text of a statement, escaped. Of what comes back only ints and floats are converted by the
driver; dates and decimals stay text, which codecs read faster.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from polystore.adapters.sql.mysql.dialect import Listed
from polystore.adapters.sql.server import readable

_INTEGERS = (1, 2, 3, 8, 9, 13)
_FLOATS = (4, 5)
_FOUND_ROWS = 2
RAW_LOADS: dict[int, Callable[[Any], Any]] = {
    0: Decimal,
    246: Decimal,
    10: date.fromisoformat,
    11: time.fromisoformat,
    7: datetime.fromisoformat,
    12: datetime.fromisoformat,
}
"""How the text of values that are no field's becomes Python's, by the type that the server names."""
_MODE = "STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_VALUE_ON_ZERO"
SET_UP = (
    "SET time_zone = '+00:00', div_precision_increment = 30, max_sort_length = 65536, "
    "sort_buffer_size = GREATEST(@@sort_buffer_size, 16777216), "
    "collation_connection = IF(VERSION() LIKE '%MariaDB%', 'utf8mb4_nopad_bin', 'utf8mb4_0900_bin'), "
    f"sql_mode = IF(VERSION() LIKE '%MariaDB%', '{_MODE},SIMULTANEOUS_ASSIGNMENT', '{_MODE},NO_ENGINE_SUBSTITUTION')"
)
"""Strict about values, in UTC; texts in a statement compare as those in columns do.

Text is ordered by its first 65,536 bytes, where 1,024 are the servers' default. Of the keys of a sort 15 rows must fit
into its buffer at least, which are 16 long texts; a sort takes no more of it than its rows need.
"""
FACTS = "SELECT VERSION(), @@auto_increment_increment, @@max_allowed_packet"


def conversions(drivers: dict[Any, Any]) -> dict[Any, Any]:
    """The driver's own encoders, one for lists, and decoders for numbers alone."""

    def listed(values: Listed, mapping: dict[Any, Any]) -> str:
        return f"({','.join([mapping[type(value)](value, mapping) for value in values])})"

    encoders = {type_: encode for type_, encode in drivers.items() if not isinstance(type_, int)}
    decoders: dict[Any, Any] = dict.fromkeys(_INTEGERS, int) | dict.fromkeys(_FLOATS, float)
    return encoders | decoders | {Listed: listed, bytes: _hexadecimal}


def _hexadecimal(value: bytes, _mapping: Any = None) -> str:
    return f"x'{value.hex()}'"


class Driver:
    """PyMySQL."""

    @staticmethod
    def connect(arguments: dict[str, Any]) -> Any:
        import pymysql
        from pymysql.converters import conversions as drivers

        return pymysql.connect(
            **arguments,
            charset="utf8mb4",
            autocommit=True,
            client_flag=_FOUND_ROWS,
            binary_prefix=True,
            conv=conversions(drivers),
        )

    @staticmethod
    def stale_of(connection: Any) -> Callable[[], bool]:
        """The function that tells whether the server has closed the connection."""
        return readable(connection._sock.fileno())

    @staticmethod
    def is_open(connection: Any) -> bool:
        """Whether the driver thinks the connection usable."""
        return bool(connection.open)

    @staticmethod
    def unbuffered(connection: Any) -> Any:
        """A cursor that reads rows from the connection as they are asked for."""
        from pymysql.cursors import SSCursor

        return SSCursor(connection)

    @staticmethod
    def pause(connection: Any) -> None:
        """Nothing is read that was not asked for."""

    @staticmethod
    def resume(connection: Any) -> None:
        """See ``pause``."""

    @staticmethod
    def give_up(connection: Any) -> None:
        """Closes a connection with rows that nobody will read."""
        result = connection._result
        if result is not None and result.unbuffered_active:
            result.unbuffered_active = False
            connection._force_close()


class AsyncDriver:
    """asyncmy."""

    @staticmethod
    async def connect(arguments: dict[str, Any]) -> Any:
        import asyncmy
        from asyncmy.converters import conversions as drivers

        return await asyncmy.connect(
            **arguments,
            charset="utf8mb4",
            autocommit=True,
            client_flag=_FOUND_ROWS,
            conv=conversions(drivers),
        )

    @staticmethod
    def stale_of(connection: Any) -> Callable[[], bool]:
        """The function that tells whether the server has closed the connection."""
        return lambda: connection._stream_broken

    @staticmethod
    def is_open(connection: Any) -> bool:
        """Whether the driver thinks the connection usable."""
        return connection.connected and not connection._stream_broken

    @staticmethod
    def unbuffered(connection: Any) -> Any:
        """A cursor that takes rows from what the connection has received."""
        from asyncmy.cursors import SSCursor

        return SSCursor(connection)

    @staticmethod
    def pause(connection: Any) -> None:
        """Receives no more rows for now."""
        if connection._transport is not None:
            connection._transport.pause_reading()

    @staticmethod
    def resume(connection: Any) -> None:
        """Receives rows again."""
        if connection._transport is not None:
            connection._transport.resume_reading()

    @staticmethod
    def give_up(connection: Any) -> None:
        """Closes a connection with rows that nobody will read."""
        result = connection._result
        if result is not None and result.unbuffered_active:
            result.unbuffered_active = False
            connection.close()
