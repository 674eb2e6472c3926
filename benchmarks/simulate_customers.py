"""Simulate what customers look at and buy in a catalogue: the events of the templates `shop` and `finance-products`.

python benchmarks/simulate_customers.py shop --data src/autogen/templates/shop/data
python benchmarks/simulate_customers.py finance-products --data src/autogen/templates/finance-products/data

It reads the catalogue in DIR and writes `interactions.csv.gz` and `eval.csv` beside it: the same events every time.
Nobody did any of this. What is assumed:

- Products stand on shelves (their category and style, or their kind). A customer has up to three favourite categories,
  and likes some of their shelves more than others; belongs to a group (women, men; students, families, …) and seldom
  looks at what is made for another; and looks near a level of price of their own, cheap or dear for a shelf.
- Popularity has a long tail (log-normal). One product in twelve is a fad: sought for two weeks, forgotten after.
- Shelves have seasons (Christmas in December), and each week a campaign triples the visits to a few of them.
- One product in twelve arrives in the last two months; what is new is sought more at first. Some arrive in the last
  week, which is held out: nobody has chosen those.
- Customers come in sessions, more in the evening, some often and most seldom. A session stays on a shelf, moves to its
  neighbours, looks for cheaper things as it goes on, and after a purchase turns to what goes with it (two shelves
  drawn for each). A session may go on where the one before ended.
- A row is a product that somebody looked at, once; `event` says whether it was bought then. Nobody looks at it again.
- The last week's events are `eval.csv`, those of customers who had come before only.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Any

DAY = 86_400
BEGIN = date(2025, 11, 1)
DAYS = 181  # until the end of April
HELD_OUT = 7  # days
LATE = 60  # days before the end within which new products arrive
ONE_IN = 12  # products that are new, and as many that are a fad
CAMPAIGN = 3.0
OTHER_GROUP = 0.04  # how much less what is made for another group is looked at
WIDTH = 0.22  # of the band of price around a customer's level
COLUMNS = ("user", "item", "event", "timestamp")

Shelf = tuple[str, ...]


@dataclass(frozen=True)
class Market:
    """What differs from catalogue to catalogue. `shelf`: the attributes that say where a product stands, the widest
    first. `level`: numbers that make a product dear. `group`: the attribute that says whom it is for, with each
    group's share of the customers. `seasons`: a shelf's name → month of its height, strength."""

    shelf: tuple[str, ...]
    level: tuple[str, ...]
    group: str
    groups: Mapping[str, float]
    seasons: Mapping[str, tuple[float, float]]
    customers: int
    sessions: float  # of a customer, in the middle
    steps: float  # of a session, on average
    bought: str
    buys: float  # how likely, of what is looked at
    campaigns: int  # shelves in each week
    seed: int = 7


MARKETS = {
    "shop": Market(
        shelf=("category", "style"),
        level=("price",),
        group="gender_affinity",
        groups={"F": 0.48, "M": 0.44, "": 0.08},
        seasons={
            "christmas": (12.5, 12), "halloween": (10.9, 12), "valentine": (2.4, 12), "easter": (4.1, 12),
            "fishing": (5.5, 3), "kayaking": (6.5, 3), "camping": (6.5, 3), "plant": (5.0, 2), "sandals": (6.0, 4),
            "jacket": (12.0, 2), "scarf": (12.5, 3), "boot": (12.0, 2),
        },
        customers=1_200, sessions=3.0, steps=4.0, bought="purchase", buys=0.14, campaigns=3,
    ),
    "finance-products": Market(
        shelf=("kind",),
        level=("monthly_fee", "minimum_amount"),
        group="audience",
        groups={"student": 0.2, "family": 0.3, "freelancer": 0.15, "senior": 0.15, "": 0.2},
        seasons={"pension plan": (12.9, 3), "loan": (12.5, 1.5), "mortgage": (4.0, 2), "fund": (1.5, 2)},
        customers=500, sessions=2.5, steps=2.5, bought="apply", buys=0.2, campaigns=1,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Product:
    id: str
    shelf: Shelf
    level: float  # 0 the cheapest of its shelf, 1 the dearest
    group: str
    appeal: float
    arrives: float  # days from the beginning
    fad: float | None  # the day on which it is found

    def pull(self, day: float) -> float:
        """How much it is looked at on that day, by those on its shelf."""
        if day < self.arrives:
            return 0.0
        new = 4 * math.exp((self.arrives - day) / 10) if self.arrives else 0.0
        hot = 8 * math.exp((self.fad - day) / 14) if self.fad is not None and day >= self.fad else 0.0
        return self.appeal * (1 + new + hot)


@dataclass(frozen=True)
class World:
    market: Market
    shelves: Mapping[Shelf, Sequence[Product]]
    goes_with: Mapping[Shelf, Sequence[Shelf]]
    campaigns: Sequence[frozenset[Shelf]]  # of each week

    def visits(self, shelf: Shelf, day: float) -> float:
        """How much a shelf is visited on that day, by those who like it as much as any other."""
        weight = len(self.shelves[shelf]) ** 0.7
        if shelf in self.campaigns[int(day) // 7]:
            weight *= CAMPAIGN
        season = next((self.market.seasons[name] for name in shelf if name in self.market.seasons), None)
        if season is None:
            return weight
        month = (BEGIN.month + day / 30.4) % 12
        apart = min(abs(month - season[0] % 12), 12 - abs(month - season[0] % 12))
        return weight * (0.15 + season[1] * math.exp(-((apart / 0.7) ** 2) / 2))


@dataclass
class Customer:
    name: str
    group: str
    level: float
    likes: Mapping[Shelf, float]
    seen: set[str] = field(default_factory=set)
    left_at: tuple[float, Shelf] | None = None  # the end of the last session

    def fit(self, product: Product, level: float) -> float:
        if product.id in self.seen:
            return 0.0
        other = product.group not in ("", self.group) if self.group else False
        near = math.exp(-(((product.level - level) / WIDTH) ** 2) / 2)
        return (OTHER_GROUP if other else 1.0) * (0.03 + near)


def shelf_of(row: Mapping[str, Any], market: Market) -> Shelf:
    return tuple(str(row[name]) for name in market.shelf)


def products_of(rows: Sequence[Mapping[str, Any]], market: Market, chance: Random) -> list[Product]:
    cost = {row["id"]: sum(float(row.get(name) or 0) for name in market.level) for row in rows}
    on_shelf: dict[Shelf, list[str]] = {}
    for row in sorted(rows, key=lambda row: cost[row["id"]]):
        on_shelf.setdefault(shelf_of(row, market), []).append(row["id"])
    level = {one: at / max(len(ids) - 1, 1) for ids in on_shelf.values() for at, one in enumerate(ids)}
    named = {name for name in market.groups if name}
    found = []
    for row in rows:
        group = str(row.get(market.group) or "")
        arrives = DAYS - LATE * chance.random() if chance.random() * ONE_IN < 1 else 0.0
        fad = DAYS * chance.random() if chance.random() * ONE_IN < 1 else None
        appeal = math.exp(chance.gauss(0.0, 1.0))
        kept = group if group in named else ""
        found.append(Product(row["id"], shelf_of(row, market), level[row["id"]], kept, appeal, arrives, fad))
    return found


def world_of(rows: Sequence[Mapping[str, Any]], market: Market, chance: Random) -> World:
    shelves: dict[Shelf, list[Product]] = {}
    for product in products_of(rows, market, chance):
        shelves.setdefault(product.shelf, []).append(product)
    names = list(shelves)
    goes_with = {shelf: chance.sample(names, min(2, len(names))) for shelf in names}
    campaigns = [frozenset(chance.sample(names, market.campaigns)) for _ in range(DAYS // 7 + 1)]
    return World(market, shelves, goes_with, campaigns)


def customer_of(number: int, world: World, chance: Random) -> Customer:
    market = world.market
    group = chance.choices(list(market.groups), list(market.groups.values()))[0]
    widest = list(dict.fromkeys(shelf[0] for shelf in world.shelves))
    size = [sum(len(found) for shelf, found in world.shelves.items() if shelf[0] == name) ** 0.5 for name in widest]
    favourites = {*chance.choices(widest, size, k=3)}
    likes = {
        shelf: (1.0 if shelf[0] in favourites else 0.03) * math.exp(chance.gauss(0.0, 1.0)) for shelf in world.shelves
    }
    return Customer(f"u{number:04d}", group, chance.random(), likes)


def draw_shelf(customer: Customer, world: World, day: float, chance: Random) -> Shelf:
    names = list(world.shelves)
    return chance.choices(names, [customer.likes[name] * world.visits(name, day) for name in names])[0]


def next_shelf(customer: Customer, world: World, shelf: Shelf, day: float, bought: bool, chance: Random) -> Shelf:
    step = chance.random()
    if bought and step < 0.6:
        return chance.choice(world.goes_with[shelf])
    if step < 0.65:
        return shelf
    beside = [name for name in world.shelves if name[0] == shelf[0] and name != shelf]
    if step < 0.85 and beside:
        return chance.choices(beside, [customer.likes[name] for name in beside])[0]
    return draw_shelf(customer, world, day, chance)


def session(customer: Customer, world: World, day: float, chance: Random) -> list[tuple[str, str, str, int]]:
    """One visit that begins on `day`."""
    shelf = draw_shelf(customer, world, day, chance)
    if customer.left_at and day - customer.left_at[0] < 10 and chance.random() < 0.5:
        shelf = customer.left_at[1]
    time, level, rows = day * DAY, customer.level, []
    for _ in range(1 + int(chance.expovariate(1 / (world.market.steps - 0.5)))):
        offered = world.shelves[shelf]
        weights = [product.pull(day) * customer.fit(product, level) for product in offered]
        if sum(weights) > 0:
            product = chance.choices(offered, weights)[0]
            bought = chance.random() < world.market.buys
            rows.append((customer.name, product.id, world.market.bought if bought else "view", int(time)))
            customer.seen.add(product.id)
            level = customer.level if bought else max(level - 0.04, 0.0)
            time += 15 + chance.expovariate(1 / 100)
            customer.left_at = (day, world.goes_with[shelf][0] if bought else shelf)
            shelf = next_shelf(customer, world, shelf, day, bought, chance)
    return rows


def visits_of(world: World, chance: Random) -> list[float]:
    """When one customer comes: days from the beginning, in order."""
    first = DAYS * 0.85 * chance.random()
    count = 1 + int(world.market.sessions * math.exp(chance.gauss(0.0, 0.8)))
    days = sorted([first, *(first + (DAYS - first) * chance.random() for _ in range(count - 1))])
    return [int(day) + min(max(chance.gauss(18.5, 3.5), 7.0), 23.5) / 24 for day in days]


def simulate(rows: Sequence[Mapping[str, Any]], market: Market) -> list[tuple[str, str, str, int]]:
    """(user, item, event, Unix seconds) in order of time."""
    chance = Random(market.seed)
    world = world_of(rows, market, chance)
    begin = int(datetime(BEGIN.year, BEGIN.month, BEGIN.day, tzinfo=UTC).timestamp())
    found = []
    for number in range(market.customers):
        customer = customer_of(number, world, chance)
        for day in visits_of(world, chance):
            found += session(customer, world, day, chance)
    return sorted(((user, item, event, begin + time) for user, item, event, time in found), key=lambda row: row[3])


def split(events: Sequence[tuple[str, str, str, int]]) -> tuple[list[Any], list[Any]]:
    """What is learnt from, and what is held out."""
    cut = int(datetime(BEGIN.year, BEGIN.month, BEGIN.day, tzinfo=UTC).timestamp()) + (DAYS - HELD_OUT) * DAY
    learnt = [event for event in events if event[3] < cut]
    known = {event[0] for event in learnt}
    return learnt, [event for event in events if event[3] >= cut and event[0] in known]


def as_csv(events: Sequence[tuple[str, str, str, int]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(events)
    return text.getvalue().encode()


def read_items(folder: Path) -> list[dict[str, Any]]:
    packed = folder / "items.jsonl.gz"
    text = gzip.decompress(packed.read_bytes()) if packed.exists() else (folder / "items.jsonl").read_bytes()
    return [json.loads(line) for line in text.decode("utf-8").splitlines()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("market", choices=sorted(MARKETS))
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="with items.jsonl or items.jsonl.gz")
    parser.add_argument("--output", type=Path, metavar="DIR", help="instead of the same folder")
    given = parser.parse_args()
    output = given.output or given.data
    output.mkdir(parents=True, exist_ok=True)
    learnt, held_out = split(simulate(read_items(given.data), MARKETS[given.market]))
    (output / "interactions.csv.gz").write_bytes(gzip.compress(as_csv(learnt), mtime=0))
    (output / "eval.csv").write_bytes(as_csv(held_out))
    customers = len({event[0] for event in learnt})
    print(f"{len(learnt)} simulated events of {customers} simulated customers, {len(held_out)} held out")


if __name__ == "__main__":
    main()
