"""Finding: one illness with its evidence; Diagnosis: all that was found, as data, text and HTML."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape

from glassgrad.doctor.evidence import Evidence
from glassgrad.doctor.illnesses import ILLNESSES, Illness
from glassgrad.views.report_page import page, sentence
from glassgrad.views.report_style import STYLE
from glassgrad.views.scores import share


@dataclass(frozen=True, slots=True)
class Finding:
    """An illness that was found.

    Attributes
    ----------
    code : str
        Of the illness, see `ILLNESSES`.
    what : str
        What is wrong here, with layers, features and numbers.
    units : float or None
        The share of units, features or parameters that it affects, of those of the layers concerned.
    rows : float or None
        The share of rows that it affects.
    evidence : Evidence
        The numbers it was seen in.
    follows : str or None
        The code of another finding that this one probably follows from.
    """

    code: str
    what: str
    evidence: Evidence
    units: float | None = None
    rows: float | None = None
    follows: str | None = None

    @property
    def illness(self) -> Illness:
        """What is known of this illness."""
        return ILLNESSES[self.code]

    @property
    def remedies(self) -> tuple[str, ...]:
        """What to try, the likeliest first."""
        return self.illness.remedies

    @property
    def advice(self) -> tuple[str, ...]:
        """What to try here: first to mend what this follows from."""
        return self.remedies if self.follows is None else (f"mend {self.follows} first: this probably follows from it",)

    @property
    def affected(self) -> str:
        """The shares affected, in words."""
        said = [(self.units, "of units"), (self.rows, "of rows")]
        return ", ".join(f"{share(x, 0)} {of}" for x, of in said if x is not None)

    def lines(self, number: int, width: int = 80) -> list[str]:
        """The finding as text."""
        more = f" ({self.affected})" if self.affected else ""
        indent = "   "
        inner = width - len(indent)
        lines = textwrap.wrap(f"{number}  {self.code}: {self.illness.title}{more}", width, subsequent_indent=indent)
        lines += textwrap.wrap(sentence(self.what), width, initial_indent=indent, subsequent_indent=indent)
        lines += ["", *(indent + line for line in self.evidence.text(inner)), ""]
        for i, remedy in enumerate(self.advice):
            start = f"{indent}{'try' if i == 0 else '   '}  "
            lines += textwrap.wrap(
                remedy, width, initial_indent=start, subsequent_indent=" " * len(start), break_long_words=False
            )
        return lines

    def html(self) -> str:
        """The finding as a card."""
        affected = f'<span class="affected">{escape(self.affected)}</span>' if self.affected else ""
        remedies = "".join(f"<li>{escape(sentence(r))}</li>" for r in self.advice)
        return (
            f'<section class="finding"><h3><code>{escape(self.code)}</code>{affected}</h3>'
            f'<p class="what"><b>{escape(sentence(self.illness.title))}</b> {escape(sentence(self.what))}</p>'
            f'<div class="seen"><figure><figcaption>{escape(sentence(self.evidence.title))}</figcaption>'
            f"{self.evidence.svg()}</figure>"
            f"<div><h4>What to try</h4><ul>{remedies}</ul></div></div></section>"
        )


@dataclass(frozen=True)
class Diagnosis:
    """What the doctor found; true where training is healthy. Printing it shows all, at 80 columns.

    Attributes
    ----------
    subject : str
        What was examined.
    findings : tuple of Finding
        Causes before symptoms; empty where there is no alarm.
    rows : int
        How many rows went through the network.
    unseen : mapping of str to str
        What could not be examined, and why.
    """

    subject: str
    findings: tuple[Finding, ...]
    rows: int
    unseen: Mapping[str, str] = field(default_factory=dict)

    @property
    def healthy(self) -> bool:
        """Whether there is no alarm."""
        return not self.findings

    def __bool__(self) -> bool:
        return self.healthy

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the findings, in their order."""
        return tuple(f.code for f in self.findings)

    def __contains__(self, code: object) -> bool:
        return code in self.codes

    @property
    def summary(self) -> str:
        """One line."""
        if self.healthy:
            return f"no alarm: {len(ILLNESSES)} illnesses were looked for"
        n = len(self.findings)
        return f"{n} {'alarm' if n == 1 else 'alarms'}: {', '.join(self.codes)}"

    def text(self, width: int = 80) -> str:
        """The diagnosis in lines of at most `width` characters."""
        head = f"diagnosis of {self.subject}, on {self.rows:,} rows"
        lines = [*textwrap.wrap(head, width), *textwrap.wrap(self.summary, width)]
        for i, finding in enumerate(self.findings, 1):
            lines += ["", *finding.lines(i, width)]
        if self.unseen:
            lines.append("")
            for what, why in self.unseen.items():
                lines += textwrap.wrap(f"not examined: {what} ({why})", width, subsequent_indent="  ")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<Diagnosis: {self.summary}>"

    def section(self) -> str:
        """The diagnosis as a part of a page that has the reports' style."""
        kind = "told" if self.healthy else "warning"
        cards = "".join(f.html() for f in self.findings)
        unseen = "".join(
            f'<p class="note">Not examined: {escape(what)} ({escape(why)}).</p>' for what, why in self.unseen.items()
        )
        return (
            f'<div class="doctor"><h2>Diagnosis</h2>\n<p class="note">Of {escape(self.subject)}, on {self.rows:,} '
            f'rows.</p>\n<p class="{kind}">{escape(sentence(self.summary))}</p>\n{cards}{unseen}</div>'
        )

    def html(self) -> str:
        """The diagnosis as a page of its own."""
        return page("Diagnosis", [f"<style>{CARDS}</style>", self.section()])

    def _repr_html_(self) -> str:
        return f'<div class="glassgrad-report"><style>{_scoped(STYLE + CARDS)}</style>{self.section()}</div>'


CARDS = """
.doctor .finding {
  background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .9rem 1.1rem 1rem;
  margin: .9rem 0;
}
.doctor .finding h3 { display: flex; flex-wrap: wrap; gap: .3rem .9rem; align-items: baseline; margin: 0 0 .35rem; }
.doctor .finding h3 code { color: rgb(var(--bad)); font-size: 1rem; font-weight: 600; }
.doctor .affected { color: var(--soft); font-weight: 400; font-size: .88rem; }
.doctor .what { max-width: none; margin-bottom: .7rem; overflow-wrap: anywhere; }
.doctor .seen { display: grid; grid-template-columns: minmax(0, 30rem) minmax(14rem, 1fr); gap: .8rem 2rem; }
.doctor .seen figure { margin: 0; min-width: 0; }
.doctor .seen svg { display: block; width: 100%; max-width: 460px; height: auto; }
.doctor figcaption, .doctor h4 { color: var(--soft); font-size: .84rem; font-weight: 500; margin: 0 0 .3rem; }
.doctor ul { margin: 0; padding-left: 1.1rem; font-size: .92rem; }
.doctor li { margin-bottom: .25rem; overflow-wrap: anywhere; }
.doctor svg .groove { fill: var(--faint); }
.doctor svg .f1 { fill: var(--c1); fill-opacity: .85; }
.doctor .warning { max-width: none; }
@media (max-width: 760px) { .doctor .seen { grid-template-columns: minmax(0, 1fr); } }
"""
"""What a diagnosis needs beside the reports' style."""


def _scoped(style: str) -> str:
    """A style sheet that acts inside a notebook's output only."""
    return f"@scope (.glassgrad-report) {{\n{style.replace(':root', ':scope')}\n}}"


def ordered(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """Causes before symptoms, each symptom with the first cause that explains it."""
    rank = {code: i for i, code in enumerate(ILLNESSES)}
    findings = sorted(found, key=lambda f: rank[f.code])
    return tuple(replace(f, follows=_cause(f.code, findings[:i])) for i, f in enumerate(findings))


def _cause(code: str, before: Sequence[Finding]) -> str | None:
    return next((f.code for f in before if code in f.illness.symptoms), None)
