"""The report: a Markdown table and JSON of ratios, since only ratios compare across machines."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from bench.measure import Result, Row, Settings

OURS = "glassgrad"
PACKAGES = ("numpy", "scipy", "torch", "jax", "jaxlib", "scikit-learn", "llvmlite")


def is_ours(label: str) -> bool:
    """Whether a label is one of glassgrad's engines."""
    return label.startswith(OURS)


def ratios(row: Row) -> dict[str, dict[str, float]]:
    """For each of glassgrad's engines, each peer's time ÷ its own: above 1, glassgrad is faster."""
    return {
        mine: {
            peer: result.seconds / row.results[mine].seconds
            for peer, result in row.results.items()
            if not is_ours(peer)
        }
        for mine in row.results
        if is_ours(mine)
    }


def best(found: dict[str, float]) -> tuple[str, float] | None:
    """The fastest peer, with its ratio."""
    return min(found.items(), key=lambda pair: pair[1], default=None)


def means(rows: list[Row]) -> dict[str, dict[str, dict[str, float]]]:
    """For each section and engine: the geometric mean, and the least, of best peer ÷ glassgrad."""
    found: dict[str, dict[str, list[float]]] = {}
    for row in rows:
        for mine, each in ratios(row).items():
            top = best(each)
            if top is not None:
                found.setdefault(row.section, {}).setdefault(mine, []).append(top[1])
    return {
        section: {
            mine: {"geometric mean": float(np.exp(np.mean(np.log(v)))), "least": min(v), "rows": len(v)}
            for mine, v in engines.items()
        }
        for section, engines in found.items()
    }


def machine() -> dict[str, Any]:
    """What ran it."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    import glassgrad

    return {
        "cpu": _cpu(), "cores": os.cpu_count(), "system": platform.system(), "architecture": platform.machine(),
        "python": platform.python_version(), "glassgrad": glassgrad.__version__, **versions,
    }  # fmt: skip


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        if lines:
            return lines[0].split(":", 1)[1].strip()
    return platform.processor() or "unknown"


def as_json(rows: list[Row], settings: Settings, seconds: float, unreached: Sequence[str] = ()) -> str:
    """Everything, for programs. In the section *Memory* "seconds" are bytes."""
    made = []
    for row in rows:
        each = ratios(row)
        entry = dataclasses.asdict(row) | {"ratios": each, "best": {mine: best(found) for mine, found in each.items()}}
        if row.forward:
            entry["gradient_to_forward"] = {n: row.results[n].seconds / s for n, s in row.forward.items()}
        made.append(entry)
    whole = {
        "machine": machine(), "settings": dataclasses.asdict(settings), "seconds": seconds, "means": means(rows),
        "rows": made, "unreached": list(unreached),
    }  # fmt: skip
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def as_markdown(rows: list[Row], settings: Settings, seconds: float, unreached: Sequence[str] = ()) -> str:
    """The tables, for people."""
    facts = machine()
    versions = ", ".join(f"{name} {facts[name]}" for name in ("glassgrad", *PACKAGES) if facts[name])
    lines = [
        "# Benchmark", "",
        f"{facts['cpu']}, {facts['cores']} cores, {facts['system']} {facts['architecture']}, Python {facts['python']}; "
        f"{versions}. {'Quick run' if settings.quick else 'Full run'}, {seconds / 60:.1f} minutes.", "",
        "A peer's column has *its time ÷ glassgrad's*: above 1, glassgrad is faster. "
        "Times are medians of blocks that took turns; the quartiles stand behind them.", "",
    ]  # fmt: skip
    for section in dict.fromkeys(row.section for row in rows):
        lines += _section(section, [row for row in rows if row.section == section])
    lines += _summary(rows) + _notes(rows, unreached)
    return "\n".join(lines).rstrip() + "\n"


def _section(section: str, rows: list[Row]) -> list[str]:
    peers = list(dict.fromkeys(n for row in rows for n in (*row.results, *row.left_out, *row.failed) if not is_ours(n)))
    peers = [p for p in peers if any(p in row.results or p in row.failed for row in rows)]
    with_forward = any(row.forward for row in rows)
    unit = "memory" if section == "Memory" else "time"
    head = ["workload", "engine", unit, "quartiles", "best peer", "best ÷ ours", *peers]
    head += ["gradient ÷ forward", "JAX's"] if with_forward else []
    lines = [f"## {section}", "", _line(head), _line(["---", "---", *["---:"] * 2, "---", *["---:"] * (len(head) - 5)])]
    for row in rows:
        each = ratios(row)
        for mine, found in each.items():
            result, top = row.results[mine], best(found)
            mark = "\\*" if result.note else ""
            cells = [f"{row.name} ({row.what})", mine, _amount(result.seconds, unit) + mark, _spread(result, unit)]
            cells += ["–", "–"] if top is None else [top[0], f"**{_number(top[1])}**"]
            cells += [_peer(row, peer, found) for peer in peers]
            if with_forward:
                share = {name: row.results[name].seconds / s for name, s in row.forward.items()}
                cells += [f"{share[n]:.2f}" if n in share else "–" for n in (mine, "JAX")]
            lines.append(_line(cells))
        if not each:
            lines.append(_line([f"{row.name} ({row.what})", "failed", *["–"] * (len(head) - 2)]))
    return [*lines, ""]


def _peer(row: Row, peer: str, found: dict[str, float]) -> str:
    if peer in found:
        return _number(found[peer]) + ("\\*" if row.results[peer].note else "")
    return "failed" if peer in row.failed else "–"


def _summary(rows: list[Row]) -> list[str]:
    lines = [
        "## Best peer ÷ glassgrad, by section",
        "",
        _line(["section", "engine", "geometric mean", "least", "rows"]),
    ]
    lines.append(_line(["---", "---", "---:", "---:", "---:"]))
    for section, engines in means(rows).items():
        for mine, v in engines.items():
            lines.append(_line([section, mine, _number(v["geometric mean"]), _number(v["least"]), str(v["rows"])]))
    return [*lines, ""]


def _notes(rows: list[Row], unreached: Sequence[str]) -> list[str]:
    """Why cells are empty, each reason once."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for label, why in row.left_out.items():
            reasons.setdefault((label, why), []).append(row.name)
        for label, why in row.failed.items():
            reasons.setdefault((label, "**failed**: " + why), []).append(row.name)
        for label, result in row.results.items():
            if result.note:
                reasons.setdefault((label, "\\* " + result.note), []).append(row.name)
    if not reasons and not unreached:
        return []
    lines = ["## Notes", ""]
    if unreached:
        lines.append(f"- No time was left for {', '.join(unreached)}: raise --limit, or choose with --only.")
    for (label, why), names in reasons.items():
        shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        lines.append(f"- {label}, {shown}: {why}")
    return lines


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _number(x: float) -> str:
    return f"{x:.3g}" if x < 1000 else f"{x:,.0f}"


def _amount(x: float, unit: str) -> str:
    if unit == "memory":
        return f"{x / 1e6:,.0f} MB"
    for name, size in (("s", 1.0), ("ms", 1e-3)):
        if x >= size:
            return f"{x / size:.3g} {name}"
    return f"{x * 1e6:.3g} µs"


def _spread(result: Result, unit: str) -> str:
    if result.blocks == 1:
        return "one run"
    return f"{_amount(result.low, unit)} – {_amount(result.high, unit)}"
