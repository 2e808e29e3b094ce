"""Every worked example builds, is right, and prints within 80 columns."""

from __future__ import annotations

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import errors, worked


@pytest.mark.parametrize("name", list(worked.EXAMPLES))
def test_example_prints_within_its_width(name):
    example = worked.example(name)
    for width in (80, 100):
        lines = example.text(width).splitlines()
        assert max(map(len, lines)) <= width
        assert lines[0] == f"{example.title} ({example.row})"
    assert example.watch


@pytest.mark.parametrize("name", list(worked.EXAMPLES))
def test_example_passes_the_gradient_check(name):
    out = worked.example(name).build()
    report = gg.check_gradient(np.sum(out))
    assert report, str(report)


@pytest.mark.parametrize("name", [n for n, e in worked.EXAMPLES.items() if e.table])
def test_lines_of_the_code_are_the_lines_of_the_table(name):
    example = worked.example(name)
    code = example.code(80)
    for row in gg.explain(example.build()).rows:
        if row.location is not None:
            assert f"  L{row.location.lineno}  " in code


def test_all_rows_of_the_sources_that_are_due_are_there():
    rows = {example.row for example in worked.EXAMPLES.values()}
    assert {"S1", "S2", "S3", "S4", "S5", "S6", "S7", "S12", "S13", "S14", "S20", "S23"} <= rows


def test_unknown_names_list_what_there_is():
    with pytest.raises(errors.UnknownNameError, match="Did you mean 'add-mul'") as error:
        worked.example("add-mull")
    assert "two-layer" in str(error.value)


def test_the_listing_has_a_line_for_each():
    assert len(worked.listing().splitlines()) == len(worked.EXAMPLES)
