"""What a shop asks every day: each function is one question, its docstring the question's words."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from decimal import Decimal

from rich.table import Table

from examples.music_shop.models import (
    BASKET_LIFETIME,
    Album,
    Artist,
    ArtistPlays,
    Basket,
    Customer,
    Employee,
    Genre,
    Invoice,
    Playlist,
    PlaylistTrack,
    Track,
)
from examples.music_shop.show import table
from polystore import Q

Question = Callable[[], Table]


def albums_of_an_artist() -> Table:
    """Which albums of Iron Maiden do we have?"""
    artist = Artist.objects.get(name="Iron Maiden")
    albums = Album.objects.filter(artist_id=artist.pk).order_by("title")
    return table("Album", rows=((album.title,) for album in albums[:6]), more=albums.count() - 6)


def longest_tracks() -> Table:
    """What are our five longest tracks, and where are they from?"""
    tracks = Track.objects.order_by("-milliseconds")[:5]
    albums = Album.objects.in_bulk(track.album_id for track in tracks)
    return table(
        "Track",
        "Album",
        ">Minutes",
        rows=((track.name, albums[track.album_id].title, f"{track.milliseconds / 60_000:.1f}") for track in tracks),
    )


def search() -> Table:
    """A customer types "love" into the search field: the first matches of many?"""
    found = Track.objects.filter(name__icontains="love").order_by("name")
    return table(
        "Track", "Composer", rows=((track.name, track.composer) for track in found[:5]), more=found.count() - 5
    )


def unknown_composers() -> Table:
    """Which genres have the most tracks whose composer we do not know?"""
    unknown = Counter(Track.objects.filter(composer=None).values_list("genre_id", flat=True))
    genres = Genre.objects.in_bulk(list(unknown))
    return table("Genre", ">Tracks", rows=((genres[key].name, number) for key, number in unknown.most_common(5)))


def artists_without_albums() -> Table:
    """Which artists do we list without a single album?"""
    having = Album.objects.values_list("artist_id", flat=True).distinct()
    artists = Artist.objects.exclude(pk__in=having).order_by("name")
    return table("Artist", rows=((artist.name,) for artist in artists[:5]), more=artists.count() - 5)


def playlist() -> Table:
    """What is on the playlist "Grunge"?"""
    grunge = Playlist.objects.get(name="Grunge")
    listed = PlaylistTrack.objects.filter(playlist_id=grunge.pk).values_list("track_id", flat=True)
    tracks = Track.objects.filter(pk__in=listed).order_by("name")
    return table("Track", "Composer", rows=((track.name, track.composer) for track in tracks[:5]), more=len(tracks) - 5)


def customers_by_country() -> Table:
    """Where do our customers live?"""
    countries = Counter(Customer.objects.values_list("country", flat=True))
    return table("Country", ">Customers", rows=countries.most_common(5), more=len(countries) - 5)


def business_customers() -> Table:
    """Which customers in Brazil or Portugal are companies, or have no fax?"""
    lusophone = Customer.objects.filter(Q(country="Brazil") | Q(country="Portugal"))
    found = lusophone.exclude(Q(company=None) & ~Q(fax=None)).order_by("last_name", "first_name")
    return table("Customer", "Company", "Fax", rows=((one.full_name, one.company, one.fax) for one in found))


def support_team() -> Table:
    """Who supports how many customers, and to whom do they report?"""
    supported = Counter(Customer.objects.values_list("support_rep_id", flat=True))
    staff = Employee.objects.in_bulk()
    return table(
        "Employee",
        "Reports to",
        ">Customers",
        rows=(
            (staff[key].full_name, staff[boss].full_name if (boss := staff[key].reports_to_id) else None, number)
            for key, number in supported.most_common()
        ),
    )


def last_invoices() -> Table:
    """The last three invoices, line by line?"""
    invoices = Invoice.objects.order_by("-invoice_date", "-id")[:3]
    customers = Customer.objects.in_bulk(invoice.customer_id for invoice in invoices)
    tracks = Track.objects.in_bulk(line.track_id for invoice in invoices for line in invoice.lines)
    return table(
        "Day",
        "Customer",
        ">Total",
        "Lines",
        rows=(
            (
                invoice.invoice_date.date(),
                customers[invoice.customer_id].full_name,
                invoice.total,
                ", ".join(tracks[line.track_id].name for line in invoice.lines[:3])
                + (" ..." if len(invoice.lines) > 3 else ""),
            )
            for invoice in invoices
        ),
    )


def revenue_by_country() -> Table:
    """What did the five best countries bring us in 2024 and 2025?"""
    revenue: defaultdict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for year in (2024, 2025):
        sold = Invoice.objects.filter(invoice_date__year=year).values("billing_country", "total")
        for sale in sold:
            revenue[sale["billing_country"]][year - 2024] += sale["total"]
    best = sorted(revenue.items(), key=lambda item: -sum(item[1]))
    return table("Country", ">2024", ">2025", rows=((country, *totals) for country, totals in best[:5]))


def top_artists() -> Table:
    """Whose tracks are bought most?"""
    top = ArtistPlays.objects.order_by("-plays")[:5]
    artists = Artist.objects.in_bulk(one.artist_id for one in top)
    return table("Artist", ">Tracks sold", rows=((artists[one.artist_id].name, one.plays) for one in top))


def expiring_baskets() -> Table:
    """Which baskets will be lost first if nobody buys?"""
    baskets = Basket.objects.order_by("updated")[:3]
    customers = Customer.objects.in_bulk(basket.customer_id for basket in baskets)
    return table(
        "Basket",
        "Customer",
        ">Tracks",
        "Until (UTC)",
        rows=(
            (
                basket.id,
                customers[basket.customer_id].full_name,
                len(basket.track_ids),
                f"{basket.updated + BASKET_LIFETIME:%H:%M:%S}",
            )
            for basket in baskets
        ),
        more=Basket.objects.count() - 3,
    )


QUESTIONS: tuple[Question, ...] = (
    albums_of_an_artist,
    longest_tracks,
    search,
    unknown_composers,
    artists_without_albums,
    playlist,
    customers_by_country,
    business_customers,
    support_team,
    last_invoices,
    revenue_by_country,
    top_artists,
    expiring_baskets,
)
