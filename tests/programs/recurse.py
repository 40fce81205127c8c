# SPDX-License-Identifier: GPL-2.0-only
"""A deep recursion: python recurse.py LEVELS SECONDS. Each level of it goes through C, in sorted() and in map(), and 20
calls deeper in Python, which take no C frames since 3.11."""
import sys
import time


def down(levels, plain):
    if plain:
        return down(levels, plain - 1) + 1
    if not levels:
        return sum(i * i % 7 for i in range(200)) + len(str(2 ** 3000))
    if levels % 2:
        return sorted([1, 2], key=lambda n: down(levels - 1, 20) * n if n == 1 else n)[0]
    return sum(map(lambda n: down(levels - 1, 20) + n, [levels]))


levels, seconds = int(sys.argv[1]), float(sys.argv[2])
sys.setrecursionlimit(100 * levels + 1000)
until = time.monotonic() + seconds
while time.monotonic() < until:
    down(levels, 20)
