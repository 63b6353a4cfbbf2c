"""How psycopg connections are set up: UTC, ISO dates, ints as bigint, jsonb as text."""

from __future__ import annotations

from psycopg import adapters
from psycopg.adapt import AdaptersMap
from psycopg.types.numeric import Int8Dumper
from psycopg.types.string import TextLoader

PREPARED_MAX = 500
SET_UP = "SELECT set_config('TimeZone', 'UTC', false), set_config('DateStyle', 'ISO', false)"


def make_adapters() -> AdaptersMap:
    """The adaptation of values: one type for ints, so that a statement is prepared once; jsonb is decoded by codecs."""
    made = AdaptersMap(adapters)
    made.register_dumper(int, Int8Dumper)
    made.register_loader("jsonb", TextLoader)
    return made
