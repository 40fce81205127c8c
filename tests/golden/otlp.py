#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""otlp.py FILE: checks a gzipped ProfilesData of OTLP profiles (opentelemetry-proto 1.11.0) and prints what is in it.

Field numbers are the specification's. What refers to nothing, stands twice in a table of unique things, or is of another
type than it should be, is an error.
"""
import gzip
import sys
from collections import Counter


def fields(data):
    """Yields (number, value) of a message: integers, or bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        elif key & 7 == 1:
            yield key >> 3, int.from_bytes(data[at:at + 8], "little")
            at += 8
        else:
            assert key & 7 == 2, f"wire type {key & 7}"
            size = varint()
            assert at + size <= len(data), "a field beyond its message"
            yield key >> 3, data[at:at + size]
            at += size


def packed(data):
    values, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            values.append(value)
            value = shift = 0
    return values


def message(data, single, repeated=(), lists=()):
    """A message as a dictionary; what is not named is an error."""
    out = {n: 0 for n in single} | {n: [] for n in (*repeated, *lists)}
    for number, value in fields(data):
        if number in lists:
            out[number] += packed(value) if isinstance(value, bytes) else [value]
        elif number in repeated:
            out[number].append(value)
        else:
            assert number in single, f"field {number}"
            out[number] = value
    return out


def any_value(data):
    ((number, value),) = fields(data)
    assert number in (1, 3), f"AnyValue {number}"
    return value.decode() if number == 1 else value


class Dictionary:
    def __init__(self, data):
        raw = message(data, (), (1, 2, 3, 4, 5, 6, 7))
        self.strings = [s.decode() for s in raw[5]]
        self.mappings = [message(m, (1, 2, 3, 4), (), (5,)) for m in raw[1]]
        self.locations = [message(m, (1, 2), (3,), (4,)) for m in raw[2]]
        self.functions = [message(m, (1, 2, 3, 4)) for m in raw[3]]
        self.links = [message(m, (1, 2)) for m in raw[4]]
        self.attributes = [message(m, (1, 2, 3)) for m in raw[6]]
        self.stacks = [message(m, (), (), (1,))[1] for m in raw[7]]
        for table in (raw[1], raw[2], raw[3], raw[4], raw[5], raw[6], raw[7]):
            assert not table[0], "index 0 is not the zero value"
        for table in (raw[4], raw[5], raw[6]):
            assert len(set(table)) == len(table), "something stands twice"
        for link in self.links[1:]:
            assert len(link[1]) == 16 and len(link[2]) == 8
        for f in self.functions:
            assert max(f[1], f[2], f[3]) < len(self.strings)
        for m in self.mappings:
            self.attribute_set(m[5])
            assert m[4] < len(self.strings)

    def attribute_set(self, indices):
        out = {}
        for i in indices:
            assert 0 < i < len(self.attributes), i
            key = self.strings[self.attributes[i][1]]
            assert key and key not in out, key
            out[key] = any_value(self.attributes[i][2])
        return out

    def frames(self, stack):
        for i in self.stacks[stack]:
            location = self.locations[i]
            assert i and location[1] < len(self.mappings)
            kind = self.attribute_set(location[4])["profile.frame.type"]
            assert kind in ("kernel", "native"), kind
            names = [self.strings[self.functions[message(line, (1, 2, 3))[1]][1]] for line in location[3]]
            yield from (name + "_[k]" * (kind == "kernel") for name in names or [hex(location[2])])


def unit(dictionary, data):
    value = message(data, (1, 2))
    return f"{dictionary.strings[value[1]]}/{dictionary.strings[value[2]]}"


def show_profile(dictionary, data, totals):
    profile = message(data, (1, 3, 4, 5, 6, 7), (2,))
    kind = unit(dictionary, profile[1])
    period = f", period {profile[6]} {unit(dictionary, profile[5])}" if profile[5] else ""
    assert len(profile[7]) == 16 and any(profile[7])
    print(f"  {kind} at {profile[3]} for {profile[4]} ns{period}")
    assert profile[2], "no samples"
    for raw in profile[2]:
        sample = message(raw, (1, 3), (), (2, 4, 5))
        (value,) = sample[4]
        assert value and not sample[5]
        totals[kind] += value
        attributes = " ".join(f"{k}={v}" for k, v in dictionary.attribute_set(sample[2]).items())
        link = dictionary.links[sample[3]]
        span = f" trace {link[1].hex()} span {link[2].hex()}" if sample[3] else ""
        print(f"    {value} {';'.join(reversed(list(dictionary.frames(sample[1]))))} {attributes}{span}")


def main():
    raw = message(gzip.open(sys.argv[1]).read(), (), (1, 2))
    # A message that comes in parts is its parts joined.
    dictionary = Dictionary(b"".join(raw[2]))
    totals = Counter()
    for resource_profiles in raw[1]:
        resource = message(resource_profiles, (1,), (2,))
        pairs = [message(kv, (1, 2)) for kv in message(resource[1], (), (1,))[1]]
        print("resource", " ".join(f"{kv[1].decode()}={any_value(kv[2])}" for kv in pairs))
        for scope_profiles in resource[2]:
            scope = message(scope_profiles, (1,), (2,))
            named = message(scope[1], (1, 2))
            print(f"  scope {named[1].decode()} {named[2].decode()}")
            for profile in scope[2]:
                show_profile(dictionary, profile, totals)
    for kind, total in totals.items():
        print("total", kind, total)


main()
