"""Patient search under row-level security: part of a name, typing errors, telephone, number."""

from __future__ import annotations

import argparse
import time

from bench.table import Table, percentile

NEEDS_DATABASE = True
PARTS = 10
SOUGHT = {
    "part of a name": ["kafo", "indqv", "rrer", "goris", "berko", "qures", "beva", "lantor"],
    "two words": ["ada okaf", "grace herr", "omar obi", "lena nair", "tara kim", "hugo rossi"],
    "typing error": ["okafro", "lindqvsit", "herera", "quershi", "haddda", "webber"],
    "a name of every twentieth": ["ada", "grace", "omar"],
    "telephone": ["+15550001", "5550012", "+1555000123"],
    "number": ["17", "P-000420", "999"],
    "two letters": ["ob", "ki"],
    "nobody": ["xylophonist", "qqqzzz"],
}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--patients", type=int, default=100_000, help="altogether (%(default)s; the figure is for 1,000,000)"
    )
    parser.add_argument("--tenants", type=int, default=20, help="which share them (%(default)s)")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--pause", action="store_true", help="wait for Enter before measuring, until it is quiet")
    parser.add_argument("--explain", action="store_true", help="print the plan of the slowest of each kind")


def measure(chosen: argparse.Namespace) -> Table:
    from bench import crowd

    houses = [crowd.open_house(f"Search{number}") for number in range(chosen.tenants)]
    for _ in range(PARTS):  # as time would have mixed them
        for house in houses:
            crowd.patients(house, chosen.patients // chosen.tenants // PARTS)
    if chosen.pause:
        input("Enter: ")
    table = Table("sought", "found", "p50, ms", "p95, ms", "slowest")
    for kind, words in SOUGHT.items():
        rounds = [(word, *seek(house, word)) for _ in range(chosen.rounds) for house in houses[:3] for word in words]
        times = [ms for _, ms, _ in rounds]
        slowest = max(rounds, key=lambda one: one[1])
        table.add(
            kind,
            sum(found for *_, found in rounds) // len(rounds),
            percentile(times, 0.5),
            percentile(times, 0.95),
            slowest[0],
            kind=kind,
            rounds=rounds,
        )
        if chosen.explain:
            print(f"{kind}: {slowest[0]}\n{plan(houses[0], slowest[0])}\n")
    return table


def seek(house, word: str) -> tuple[float, int]:
    """As the front desk does while somebody types: the best eight."""
    from clinical.models import Patient

    with house.acting():
        begun = time.perf_counter()
        found = list(Patient.objects.search(word)[:8])
        return (time.perf_counter() - begun) * 1000, len(found)


def plan(house, word: str) -> str:
    from clinical.models import Patient

    with house.acting():
        return Patient.objects.search(word)[:8].explain(analyze=True, buffers=True)
