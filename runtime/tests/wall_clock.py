"""Answers, for each line `ZONE MOMENT WALL` (milliseconds), what a wall clock shows at the moment, and which moment the
wall value means: the first of two in a fold, the first one after a gap. A zone that is not known here answers `-`."""

import sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

EPOCH = datetime(1970, 1, 1)
UTC = timezone.utc


def millis(naive):
    return (naive - EPOCH) // timedelta(milliseconds=1)


def shown(zone, moment):
    """The wall clock at a moment, both as milliseconds."""
    at = (EPOCH + timedelta(milliseconds=moment)).replace(tzinfo=UTC).astimezone(zone)
    return millis(at.replace(tzinfo=None))


def meant(zone, wall):
    naive = EPOCH + timedelta(milliseconds=wall)
    first, second = (
        millis(naive.replace(tzinfo=zone, fold=fold).astimezone(UTC).replace(tzinfo=None)) for fold in (0, 1)
    )
    if shown(zone, first) == wall:
        return first
    # In a gap the two readings enclose the change.
    low, high = second, first
    before = shown(zone, low) - low
    while high - low > 1:
        middle = (low + high) // 2
        if shown(zone, middle) - middle == before:
            low = middle
        else:
            high = middle
    return high


def version():
    try:
        with open("/usr/share/zoneinfo/tzdata.zi", encoding="ascii") as file:
            return file.readline().split()[-1]
    except OSError:
        return "unknown"


def main():
    print(version())
    zones = {}
    for line in sys.stdin:
        name, moment, wall = line.split()
        if name not in zones:
            try:
                zones[name] = ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError, IsADirectoryError):
                zones[name] = None
        zone = zones[name]
        print("-" if zone is None else f"{shown(zone, int(moment))} {meant(zone, int(wall))}")


main()
