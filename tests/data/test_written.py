"""Numbers as people write them."""

import numpy as np
import pytest

from glassgrad import data
from glassgrad.data import cells
from glassgrad.data.guess import guess_column
from glassgrad.data.written import Writing, writing
from glassgrad.errors import DataError


@pytest.mark.parametrize(
    ("texts", "separator", "said", "first"),
    [
        (["$1,234.50", "$9.99"], ",", "numbers with $, thousands separated by a comma", 1234.5),
        (["1.234,50 €", "963,36 €"], ";", "numbers with €, thousands separated by a point, a decimal comma", 1234.5),
        (["1.234,50", "7"], ",", "numbers, thousands separated by a point, a decimal comma", 1234.5),
        (["-12,345,678", "5"], ",", "numbers, thousands separated by a comma", -12345678),
        (["$-5", "$10"], ";", "numbers with $", -5),
        (["−2,5", "3"], "\t", "numbers with a decimal comma", -2.5),
        (["1,234", "999", "12,000"], "\t", "numbers, thousands separated by a comma", 1234),
        (["1,234", "999"], ";", "numbers with a decimal comma", 1.234),
        (["1\u202f234,5", "12"], ";", "numbers, thousands separated by a space, a decimal comma", 1234.5),
        (["1’234.5 CHF", "12 CHF"], ",", "numbers with CHF, thousands separated by an apostrophe", 1234.5),
        (["12 %", "7.5%"], ",", "numbers with %", 12),
    ],
)
def test_ways_to_write_numbers(texts: list[str], separator: str, said: str, first: float) -> None:
    import pandas as pd

    how = writing(texts, separator)
    assert how is not None
    assert how.said() == said
    values = how.values(pd.Series([*texts, None], dtype=object))
    assert values.iloc[0] == first
    assert np.isnan(values.iloc[-1])


@pytest.mark.parametrize(
    ("texts", "separator"),
    [
        (["$5", "€5"], ","),  # two currencies
        (["$5", "5"], ","),
        (["1,2", "2,3"], ","),  # a list, perhaps
        (["1,23,4"], ","),
        (["1.5 kg", "2"], ","),
        (["10.0.0.1", "10.0.0.2"], ";"),
        (["14.03.2024"], ";"),
        (["555 123 456", "555 123 457"], ","),  # telephones
        (["--5"], ","),
        (["$"], ","),
        ([], ","),
        (["0,123"], ","),
    ],
)
def test_what_is_no_number(texts: list[str], separator: str) -> None:
    assert writing(texts, separator) is None


def test_a_bill_becomes_numbers(tmp_path) -> None:
    file = tmp_path / "bill.csv"
    file.write_text('item,price,sold\nA,"$1,200.00",12%\nB,$9.50,?\nC,-,7%\n')
    table = data.read(file)
    assert table.frame is not None
    assert np.array_equal(table.frame["price"], [1200, 9.5, np.nan], equal_nan=True)
    assert np.array_equal(table.frame["sold"], [12, np.nan, 7], equal_nan=True)
    assert table.notes[1:] == (
        "price: numbers with $, thousands separated by a comma; '-' stands for missing", "sold: numbers with %",
    )  # fmt: skip
    kept = data.read(file, as_text=["price"]).frame
    assert kept is not None
    assert kept["price"].tolist() == ["$1,200.00", "$9.50", "-"]
    assert Writing("", "", False).said() == "numbers"


def test_a_column_of_numbers_with_a_few_texts_is_named(tmp_path) -> None:
    file = tmp_path / "weights.csv"
    file.write_text("weight\n" + "\n".join(f"{i}.5" for i in range(20)) + "\n1.5 kg\n")
    assert "weight: most cells are numbers, but not all, such as '1.5 kg': taken as text" in data.read(file).notes


def test_numbers_are_shown_without_powers_of_ten() -> None:
    assert [cells.shown(v) for v in (49012.3, -12345678, 9999.4, 0.00123456, 1e20)] == [
        "49,012", "-12,345,678", "9999", "0.001235", "1e+20",
    ]  # fmt: skip


def test_customer_numbers_are_identifiers() -> None:
    import pandas as pd

    for name in ("Kunden-Nr.", "Order No", "customer_id", "invoice number"):
        assert guess_column(pd.Series([17, 4, 25], name=name)).kind == "identifier"
    assert guess_column(pd.Series([17, 4, 25], name="rooms")).kind == "number"


def test_a_file_without_names_is_told_so(tmp_path) -> None:
    file = tmp_path / "bare.csv"
    file.write_text("0.5,0,0\n1.5,1,0\n")
    with pytest.raises(
        DataError, match="'0' stands over several columns: 2, 3; the first line holds numbers only: put"
    ):
        data.read(file)
