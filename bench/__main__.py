"""``python -m bench``: run the benchmark and write its tables."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from fnmatch import fnmatchcase
from pathlib import Path

from bench import report
from bench.measure import QUICK, Settings, say
from bench.sections import items, measure


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked for; 1 where glassgrad failed or computed something else than its NumPy engine."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="glassgrad and its peers, side by side.")
    parser.add_argument("--only", default="", help="names or families, e.g. xor,digits-adam,functions; * matches")
    parser.add_argument("--quick", action="store_true", help="three minutes: fewer blocks, networks and peers")
    parser.add_argument("--limit", type=float, help="minutes after which nothing more is begun (3; 24 for a full run)")
    parser.add_argument("--out", type=Path, default=Path("bench-results"), help="folder for report.md and report.json")
    parser.add_argument("--list", action="store_true", help="print names and families, and run nothing")
    options = parser.parse_args(arguments)
    settings = QUICK if options.quick else Settings()
    if options.limit is not None:
        settings = dataclasses.replace(settings, limit=60 * options.limit)
    there = list(items())
    if options.list:
        for item in there:
            print(f"{item.family:<12}{item.name}")
        return 0
    chosen = [] if options.only else [item for item in there if item.brief or not options.quick]
    for pattern in options.only.split(",") if options.only else []:
        matching = [x for x in there if fnmatchcase(x.name, pattern.strip()) or fnmatchcase(x.family, pattern.strip())]
        if not matching:
            parser.error(f"nothing is called {pattern!r}; python -m bench --list shows what there is")
        chosen += [item for item in matching if item not in chosen]
    started = time.perf_counter()
    rows, unreached = measure(chosen, settings)
    seconds = time.perf_counter() - started
    options.out.mkdir(parents=True, exist_ok=True)
    text = report.as_markdown(rows, settings, seconds, unreached)
    (options.out / "report.md").write_text(text, encoding="utf-8")
    data = report.as_json(rows, settings, seconds, unreached)
    (options.out / "report.json").write_text(data, encoding="utf-8")
    print(text)
    bad = [f"{row.name}, {label}: {why}" for row in rows for label, why in row.failed.items() if report.is_ours(label)]
    for line in bad:
        say(line)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
