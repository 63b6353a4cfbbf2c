"""Loads the data files: each row becomes a validated instance, instances are written in batches."""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from examples.music_shop.models import (
    Album,
    Artist,
    ArtistPlays,
    Basket,
    Customer,
    Employee,
    Genre,
    Invoice,
    InvoiceLine,
    MediaType,
    Playlist,
    PlaylistTrack,
    Track,
)
from polystore import Model, Store

DATA = Path(__file__).parent / "data"
FILES: dict[type[Model], str] = {
    Genre: "genre",
    MediaType: "media_type",
    Artist: "artist",
    Album: "album",
    Track: "track",
    Playlist: "playlist",
    PlaylistTrack: "playlist_track",
    Employee: "employee",
    Customer: "customer",
}
MODELS: list[type[Model]] = [*FILES, Invoice, Basket, ArtistPlays]
BATCH = 500
_REFERENCES = {"artist", "album", "media_type", "genre", "playlist", "track", "customer", "support_rep", "reports_to"}


def load(store: Store, console: Console) -> int:
    """Empties the shop and fills it from the files; answers the number of rows written."""
    store.drop_all(MODELS)
    store.create_all(MODELS)
    columns = (TextColumn("{task.description:<16}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    written = 0
    with store, Progress(*columns, console=console) as progress:
        for model, instances in shop():
            task = progress.add_task(model.__name__, total=len(instances))
            for start in range(0, len(instances), BATCH):
                batch = model.objects.bulk_create(instances[start : start + BATCH])
                progress.advance(task, len(batch))
            written += len(instances)
    return written


def shop() -> Iterator[tuple[type[Model], list[Any]]]:
    """The instances of each model, in the order in which they are written. Baskets come later, with the customers."""
    for model, name in FILES.items():
        yield model, [model(**row) for row in rows(name)]
    bought = invoices()
    yield Invoice, bought
    yield ArtistPlays, artist_plays(bought)


def rows(name: str) -> list[dict[str, Any]]:
    """The rows of a file, references under the name of their key column."""
    with gzip.open(DATA / f"{name}.ndjson.gz", "rt", encoding="utf-8") as lines:
        return [
            {f"{key}_id" if key in _REFERENCES else key: value for key, value in json.loads(line).items()}
            for line in lines
        ]


def invoices() -> list[Invoice]:
    """All invoices with their lines inside; the shop's days are those of UTC."""
    lines: defaultdict[int, list[InvoiceLine]] = defaultdict(list)
    for row in rows("invoice_line"):
        invoice_id = row.pop("invoice")
        lines[invoice_id].append(InvoiceLine(**{key: row[key] for key in ("track_id", "unit_price", "quantity")}))
    return [
        Invoice(**row | {"invoice_date": _midnight(row["invoice_date"]), "lines": lines[row["id"]]})
        for row in rows("invoice")
    ]


def artist_plays(bought: Sequence[Invoice]) -> list[ArtistPlays]:
    """How many tracks of each artist stand on the invoices."""
    artists = {row["id"]: row["artist_id"] for row in rows("album")}
    artist_of = {row["id"]: artists[row["album_id"]] for row in rows("track")}
    plays = Counter(artist_of[line.track_id] for invoice in bought for line in invoice.lines)
    return [ArtistPlays(artist_id=artist, plays=number) for artist, number in plays.items()]


def _column(key: str) -> str:
    return f"{key}_id" if key in _REFERENCES else key


def _midnight(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
