"""The look of the report page: light and dark, wide and narrow, nothing fetched."""

from glassgrad.views.chart_style import CHARTS

_FRAME = """
:root {
  color-scheme: light dark;
  --paper: #fbfaf7; --card: #ffffff; --ink: #1d2127; --soft: #5d6570; --line: #e3e0d8; --faint: #f1eee7;
  --good: 37, 99, 205; --bad: 214, 84, 10;
  --c0: #2563cd; --c1: #d0560c; --c2: #0f8a6a; --c3: #8b4bc8; --c4: #b08900; --c5: #c2327a;
  --band: rgba(15, 138, 106, .13);
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171b; --card: #1b1f25; --ink: #e7e5df; --soft: #a0a7b1; --line: #31363f; --faint: #242930;
    --good: 90, 150, 255; --bad: 255, 128, 50;
    --c0: #7fb0ff; --c1: #ffa061; --c2: #55d3ae; --c3: #c99bff; --c4: #e5c24f; --c5: #ff8fc0;
    --band: rgba(85, 211, 174, .13);
  }
  .ink { filter: invert(1); }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums;
}
main { max-width: 1080px; margin: 0 auto; padding: 2.6rem 1.25rem 4rem; }
header { margin-bottom: 1.6rem; }
h1 { font-size: clamp(1.7rem, 5vw, 2.4rem); line-height: 1.15; letter-spacing: -.02em; margin: 0 0 .5rem; }
h2 { font-size: 1.3rem; letter-spacing: -.01em; margin: 3rem 0 .4rem; }
h3 { font-size: 1rem; margin: 0; }
p { margin: 0 0 .9rem; max-width: 46rem; }
.lead { font-size: 1.08rem; color: var(--soft); }
.note { color: var(--soft); font-size: .88rem; margin: 0; }
h2 + .note { margin-bottom: .7rem; }
.none { color: var(--soft); font-style: italic; }
.told { border-left: 4px solid var(--line); padding: .3rem .9rem; color: var(--soft); }
.warning {
  border-left: 4px solid rgb(var(--bad)); background: rgba(var(--bad), .1);
  padding: .6rem .9rem; border-radius: 0 8px 8px 0; overflow-wrap: anywhere;
}
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(7rem, 1fr)); gap: .7rem; margin: 0; }
.figures div { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .7rem .9rem; }
.figures dt { color: var(--soft); font-size: .82rem; }
.figures dd {
  margin: 0; font-size: 1.25rem; font-weight: 600; letter-spacing: -.01em; overflow-wrap: anywhere; line-height: 1.3;
}
.figures .first {
  grid-column: span 2;  background: rgba(var(--good), .1); border-color: rgba(var(--good), .45);
}
"""
_REST = """
.bars {
  list-style: none; margin: .6rem 0 .3rem; padding: 0; display: grid; gap: .3rem .8rem; font-size: .9rem;
  grid-template-columns: fit-content(55%) minmax(30%, 1fr) max-content; align-items: center;
}
.bars li { display: contents; }
.bars span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.bars i { height: .72rem; border-radius: 3px; background: var(--c0); min-width: 2px; }
.bars .against i { background: var(--c1); }
.bars b { font-weight: 500; text-align: right; color: var(--soft); white-space: nowrap; }
.counts { max-width: 46rem; }
.scroll + h3 { margin-top: 1.1rem; }
.plain { border-collapse: collapse; font-size: .95rem; }
.plain th, .plain td {
  text-align: right; padding: .34rem .9rem .34rem 0; border-bottom: 1px solid var(--line); vertical-align: top;
}
.plain th { color: var(--soft); font-weight: 500; }
.plain th:first-child { text-align: left; } .plain th[scope=row] { color: var(--ink); }
.plain.words td { text-align: left; color: var(--soft); } .plain.words th { white-space: nowrap; }
h2 + .scroll, .note + .scroll { margin-top: .6rem; }
.scroll { overflow-x: auto; max-width: 100%; }
.confusion { border-collapse: separate; border-spacing: 2px; font-size: .95rem; }
.confusion th { font-weight: 600; color: var(--soft); padding: .25rem .4rem; }
.confusion td { min-width: 2.55rem; height: 2.2rem; text-align: center; border-radius: 5px; background: var(--faint); }
.confusion td.zero { color: transparent; }
.confusion td.right { font-weight: 600; }
.confusion td.share { background: none; color: var(--soft); padding-left: .6rem; white-space: nowrap; }
.confusion .corner { font-weight: 400; font-size: .8rem; text-align: right; white-space: nowrap; }
.missed { display: grid; grid-template-columns: repeat(auto-fill, minmax(6.9rem, 1fr)); gap: .8rem; margin: 0; }
.missed figure {
  margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .7rem;
  text-align: center; font-size: .86rem; line-height: 1.4;
}
.missed img { width: 84px; height: 84px; }
.missed b { color: rgb(var(--bad)); }
.missed span { color: var(--soft); }
img { image-rendering: pixelated; }
.weights { display: grid; grid-template-columns: repeat(auto-fill, minmax(3.5rem, 1fr)); gap: .45rem; }
.weights img {
  width: 100%; aspect-ratio: 1; background: var(--card); border: 1px solid var(--line); border-radius: 5px;
  display: block;
}
pre {
  font: .82rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .9rem 1rem; margin: 0 0 .9rem;
  overflow-x: auto;
}
summary { cursor: pointer; color: var(--soft); margin-bottom: .6rem; }
.made { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.4rem; margin: 0; }
.made dt { color: var(--soft); }
.made dd { margin: 0; overflow-wrap: anywhere; }
code { font: .9em ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
footer { margin-top: 3rem; color: var(--soft); font-size: .85rem; }
@media (max-width: 540px) {
  main { padding: 1.5rem .9rem 3rem; }
  .figures { grid-template-columns: repeat(2, 1fr); }
  .bars { font-size: .84rem; }
  .plain { font-size: .86rem; } .plain th, .plain td { padding-right: .6rem; }
  .plain.words th { white-space: normal; overflow-wrap: anywhere; min-width: 6rem; }
  .confusion { font-size: .8rem; border-spacing: 1px; }
  .confusion .corner { font-size: 0; }
  .confusion td { min-width: 1.5rem; height: 1.75rem; }
  .confusion th { padding: .15rem .2rem; }
  .confusion td.share { padding-left: .2rem; }
  .missed figure { padding: .6rem .2rem; font-size: .78rem; }
  .missed { grid-template-columns: repeat(auto-fill, minmax(6rem, 1fr)); gap: .55rem; }
  .weights { grid-template-columns: repeat(8, 1fr); gap: .3rem; }
  .made { grid-template-columns: 1fr; gap: 0; }
  .made dd { margin-bottom: .5rem; }
}
@media print { details > * { display: block; } .figures div, .chart, .missed figure { break-inside: avoid; } }
"""

STYLE = _FRAME + CHARTS.replace("& ", "") + _REST
"""The style sheet of a report."""
