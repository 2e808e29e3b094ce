"""The look of the charts of `report_charts` and `report_plots`, for any page and any place in a page."""

CHARTS = """
& .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr)); gap: .9rem; }
& .chart {
  margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .9rem .9rem .6rem;
  display: flex; flex-direction: column; max-width: 35rem;
}
& .chart svg { display: block; width: 100%; max-width: 460px; height: auto; margin: auto auto 0; }
& .legend { list-style: none; margin: .35rem 0 .3rem; padding: 0; display: flex; flex-wrap: wrap; gap: .1rem 1rem; }
& .legend li { font-size: .84rem; color: var(--soft); display: flex; align-items: center; gap: .4rem; }
& .legend i { width: 1.1rem; height: 3px; border-radius: 2px; }
& .k0 { background: var(--c0); } & .k1 { background: var(--c1); } & .k2 { background: var(--c2); }
& .k3 { background: var(--c3); } & .k4 { background: var(--c4); } & .k5 { background: var(--c5); }
& svg text { font-size: 12px; fill: var(--soft); }
& svg .axis { text-anchor: middle; } & svg .left { text-anchor: end; }
& svg .grid { stroke: var(--line); stroke-width: 1; }
& svg .mark { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 3 4; }
& svg .band { fill: var(--band); }
& svg .tip { fill: transparent; } & svg .tip:hover { fill: rgba(128, 128, 128, .12); }
& svg polyline { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
& svg .c0 { stroke: var(--c0); } & svg .c1 { stroke: var(--c1); } & svg .c2 { stroke: var(--c2); }
& svg .c3 { stroke: var(--c3); } & svg .c4 { stroke: var(--c4); } & svg .c5 { stroke: var(--c5); }
& svg .dot { stroke-width: 3; }
& svg .f0 { fill: var(--c0); fill-opacity: .6; } & svg .f0:hover { fill-opacity: 1; }
& svg circle.tip:hover { fill: rgba(128, 128, 128, .35); }
"""
"""Rules whose selectors start with ``&``, which stands for the element that the charts are in."""
