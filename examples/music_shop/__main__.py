"""Loads a music shop, asks its questions, sells a basket, then moves the tracks from store to store."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from rich.console import Console

from examples.music_shop import stores
from examples.music_shop.checkout import Checkout
from examples.music_shop.load import MODELS, load
from examples.music_shop.questions import QUESTIONS
from examples.music_shop.same_everywhere import same_everywhere
from polystore import Store


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the demo; answers 0 when all stores agree."""
    parser = argparse.ArgumentParser(prog="python -m examples.music_shop", description=__doc__)
    parser.add_argument("--stores", choices=("embedded", "servers"), default="embedded")
    chosen = parser.parse_args(arguments).stores
    with TemporaryDirectory() as folder:
        try:
            urls = stores.embedded(Path(folder)) if chosen == "embedded" else stores.servers()
        except LookupError as error:
            parser.error(str(error))
        return run(urls, Console())


def run(urls: Mapping[str, str], console: Console) -> int:
    """Runs the demo on the stores of these URLs."""
    with Store(urls) as store:
        console.rule(f"The shop: {store!r}")
        console.print(f"{load(store, console):,} rows validated and written")
    asyncio.run(sell(urls, console))
    with Store(urls) as store:
        console.rule("What a shop asks")
        for question in QUESTIONS:
            start = perf_counter()
            answer = question()
            taken = (perf_counter() - start) * 1000
            console.print(f"[bold]{question.__doc__}[/]  [dim]{taken:,.1f} ms[/]", answer)
        store.drop_all(MODELS)
    console.rule("The same everywhere")
    agreed = same_everywhere(urls, console)
    console.print("[green]Every answer is the same on every store.[/]" if agreed else "[bold red]Answers differ.[/]")
    return 0 if agreed else 1


async def sell(urls: Mapping[str, str], console: Console) -> None:
    """The async colour: customers fill their baskets all at once, and one buys."""
    async with Store(urls) as store:
        checkout = Checkout(store)
        start = perf_counter()
        baskets = await checkout.fill_baskets(25)
        taken = (perf_counter() - start) * 1000
        console.print(f"{len(baskets)} baskets filled by as many tasks: {taken:,.1f} ms")
        invoice = await checkout.buy(baskets[-1].customer_id)
        console.print(f"Customer {invoice.customer_id} bought {len(invoice.lines)} tracks for ${invoice.total}")


if __name__ == "__main__":
    sys.exit(main())
