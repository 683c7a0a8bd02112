#!/usr/bin/env python3
"""What a value costs once it is loaded: nanoseconds of `secrets["X"].reveal()` and its parts, medians of runs in turns.

    bindings/python/bench.py        in an environment with the wheel
"""
import statistics
import timeit

from agentsecrets_core import Secret, load
from agentsecrets_core.testing import override

NUMBER, ROUNDS = 20_000, 21

with override({f"NAME_{n}": f"fake-value-{n}" for n in range(100)}):
    secrets = load()
secret, other = secrets["NAME_50"], Secret("fake-value-50")
rows = {
    "an empty call": lambda: None,
    'secrets["NAME_50"].reveal()': lambda: secrets["NAME_50"].reveal(),
    'secrets["NAME_50"]': lambda: secrets["NAME_50"],
    "secret.reveal()": secret.reveal,
    "secret == other": lambda: secret == other,
    '"NAME_50" in secrets': lambda: "NAME_50" in secrets,
}
spent = {name: [] for name in rows}
for _ in range(ROUNDS):
    for name, call in rows.items():
        spent[name].append(timeit.timeit(call, number=NUMBER) / NUMBER * 1e9)
for name, times in spent.items():
    print(f"{statistics.median(times):8.0f} ns  {name}")
