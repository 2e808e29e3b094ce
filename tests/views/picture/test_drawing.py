"""What a picture says: the lecture's numbers, sums at branches, verdicts; how it is saved, and the page around it."""

from __future__ import annotations

import dataclasses
import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from typer.testing import CliRunner

import glassgrad as gg
from glassgrad import errors, plots, worked
from glassgrad.cli.commands import app
from glassgrad.ops import OPS
from glassgrad.views.picture.drawing import of_figure
from glassgrad.wire import group


def run(*args):
    return CliRunner().invoke(app, list(map(str, args)), prog_name="glassgrad")


def add_mul():
    x, y, z = gg.tensor(-2.0, "x"), gg.tensor(5.0, "y"), gg.tensor(-4.0, "z")
    q = (x + y).named("q")
    return (q * z).named("f")


def texts(picture, Drawing):
    return Drawing(picture.svg).texts


def test_the_first_graph_shows_the_numbers_of_the_lecture(Drawing):
    said = texts(gg.draw(add_mul()), Drawing)
    assert {"x", "y", "z", "-2", "5", "q = 3", "f = -12", "-4", "3", "1"} <= set(said)
    assert said.count("-4") == 4  # the value of z, the gradients of x, y and q
    assert {"+", "×", "distributes", "switches"} <= set(said)


@pytest.mark.parametrize("name", ["sigmoid-neuron", "sigmoid-neuron-folded"])
def test_the_neuron_shows_the_numbers_of_the_lecture(name, Drawing):
    said = texts(worked.example(name).draw(), Drawing)
    assert {"out = 0.7311", "dot = 1", "-0.1966", "0.3932", "-0.3932", "-0.5898", "0.1966"} <= set(said)
    chain = {"neg = -1", "ex = 0.3679", "den = 1.368", "-0.5344", "× -1", "exp", "+ 1", "1/x"}
    assert chain <= set(said) if name == "sigmoid-neuron" else not chain & set(said)
    assert ("4 gates" in said) == (name != "sigmoid-neuron")


def test_arrays_show_their_numbers(Drawing):
    said = texts(worked.example("squared-norm").draw(), Drawing)
    for number in ("0.22", "0.26", "f = 0.116", "0.44", "0.52", "0.088", "0.176", "0.104", "0.208", "-0.112", "0.636"):
        assert number in said


def test_gradients_that_add_at_a_branch_are_a_sum(Drawing):
    picture = worked.example("polynomial").draw()
    said = texts(picture, Drawing)
    assert {"36 + 3 = 39", "36", "3", "8"} <= set(said)
    assert picture.svg.count('class="plus"') == 2  # on the wire, and in the legend
    assert "plus" not in gg.draw(add_mul()).svg.partition("</style>")[2]


def test_a_branch_into_a_folded_box_and_out_of_it_adds_what_comes_back(Drawing):
    x = gg.tensor(2.0, "x")
    with group("box"):
        a = x * x
        b = (a + x).named("b")
    out = (b * b + x).named("out")
    said = texts(gg.draw(out, fold=True), Drawing)
    assert "60 + 1 = 61" in said  # d out/dx = 2b(2x + 1) + 1
    opened = texts(gg.draw(out, fold=False), Drawing)
    assert {"60 + 1 = 61", "24 + 24 + 12 = 60", "6 + 6 = 12"} <= set(opened)


def test_large_arrays_are_heat_maps_with_their_shape(Drawing):
    X = gg.tensor(np.random.default_rng(0).normal(size=(500, 300)), "X")
    picture = gg.draw(np.sum(np.tanh(X)))
    assert texts(picture, Drawing).count("500×300") == 4
    assert picture.svg.count("data:image/png;base64,") == 4
    assert len(picture.svg) < 40_000


def test_traced_graphs_show_shapes_only(Drawing):
    graph = gg.trace(lambda W, x: np.sum(np.tanh(W @ x)), np.ones((4, 3)), np.ones(3), values=False)
    said = texts(gg.draw(graph), Drawing)
    assert {"traced: shapes, no numbers", "4×3", "3", "4", "scalar"} <= set(said)
    assert "gradient below" not in said


def test_a_checked_graph_marks_what_is_right_and_what_is_wrong(Drawing):
    wrong = dataclasses.replace(OPS["tanh"], gradients=(lambda g, out, x: g * (1 - out) ** 2,))

    def f(w, x, b):
        a = w * x + b
        with group("unit"):
            return np.square(wrong(a).named("z"))

    report = gg.check_gradient(f, 0.5, -1.2, 0.3)
    opened, folded = gg.draw(report), gg.draw(report, fold=True)
    assert opened.svg.count("badge right") == 3
    assert opened.svg.count("badge wrong") == 1
    assert folded.svg.count("badge wrong") == 1
    said = texts(opened, Drawing)
    assert "checked against finite differences: 1 wrong" in said
    assert any(t.startswith("off by ") for t in said)
    good = gg.check_gradient(add_mul())
    assert "checked against finite differences: all right" in texts(gg.draw(good), Drawing)
    assert gg.draw(add_mul(), check=good).svg.count("badge right") == 2
    with pytest.raises(errors.OperandError, match="does not hold the graph"):
        gg.draw(dataclasses.replace(report, graph=None))


def test_repeated_layers_are_one_box(Drawing):
    layers = [layer for _ in range(3) for layer in (gg.nn.Linear(4, 4), gg.nn.Tanh())]
    net = gg.nn.Sequential(*layers, gg.nn.Linear(4, 2))
    out = np.mean(net(np.ones((5, 4), np.float32)))
    folded = texts(gg.draw(out, fold=True), Drawing)
    assert {"Linear · tanh ×3", "9 gates", "6.Linear"} <= set(folded)
    opened = texts(gg.draw(out, fold=True, unfold="Linear · tanh ×3"), Drawing)
    assert {"0.Linear", "2.Linear", "4.Linear"} <= set(opened)
    assert "0.W" in texts(gg.draw(out, fold=False), Drawing)


def test_names_are_written_as_they_are(Drawing):
    name = "a<b>&\"c'\x00</script><!--"
    picture = gg.draw((gg.tensor(2.0, name) * 3).named(name + "!"), title=name)
    assert "a<b>&\"c'\ufffd</script><!--" in texts(picture, Drawing)
    data = picture.html.partition('<script type="application/json">')[2].partition("</script>")[0]
    assert "<" not in data
    assert json.loads(data)["cards"]["0-0"][0][2] == name


def test_functions_graphs_and_upstream_gradients(Drawing):
    assert "f = 12" in texts(gg.draw(lambda x, y: (x * y).named("f"), 3.0, 4.0), Drawing)
    out = gg.tensor(3.0, "x") * 2
    assert "starts with upstream gradient 5" in texts(gg.draw(out, upstream=5.0), Drawing)
    assert gg.Graph([out]).to_svg(title="mine") == gg.draw(out, title="mine").svg
    assert "no gradient: nothing that can learn leads here" in texts(gg.draw(gg.constant(1.0) * 2), Drawing)
    with pytest.raises(errors.OperandError, match="draw takes a tensor, a graph, or a function"):
        gg.draw(3)
    with pytest.raises(errors.OperandError, match="arguments after a function only"):
        gg.draw(out, 3.0)
    with pytest.raises(errors.OperandError, match="nothing to draw"):
        gg.draw(gg.Graph([]))


def test_the_engine_and_the_tensors_are_left_as_they_were():
    f = add_mul()
    _ = gg.draw(f).svg
    assert all(w.grad is None for w in gg.Graph([f]).wires)


def test_svg_is_whole_and_fetches_nothing():
    for name, example in worked.EXAMPLES.items():
        svg = example.draw().svg
        root = ET.fromstring(svg)
        assert root.tag.endswith("svg"), name
        assert "href=" not in svg.replace('href="data:', "").replace('href="#', "")  # within the file
        assert "prefers-color-scheme: dark" in svg or example.picture is not None


def test_pages_are_whole_and_hold_all_boxes_and_cards(Page):
    picture = worked.example("sigmoid-neuron-folded").draw()
    page = Page(picture.html)
    assert not any(
        value and value.startswith("http") for tag, attrs in page.tags for value in attrs.values() if tag != "svg"
    )
    data = json.loads(picture.html.partition('<script type="application/json">')[2].partition("</script>")[0])
    assert data["open"] == []
    assert len(data["boxes"]) == 2
    cards = {lines[0][2]: lines for lines in data["cards"].values()}
    assert ["gradient", "", "-0.2534 × 1 = -0.2534"] not in cards["out = 1/den"]
    assert ["gradient", "", "-0.5344 × 1 = -0.5344"] in cards["out = 1/den"]
    source = cards["a = w0 x0"][-1]
    assert source[0] == "source"
    assert source[2] == 'a = (w0 * x0).named("a")'
    for box in data["boxes"].values():
        for strand, a, out, b, socket in box["pieces"]:
            assert strand >= 0
            for end, number, side in ((a, out, "m"), (b, socket, "n")):
                assert number == -1 or number < len(box["nodes"][end][side])


def test_pictures_are_saved_and_nothing_is_lost(tmp_path):
    picture = gg.draw(add_mul())
    path = picture.save(tmp_path / "a.svg")
    assert path.read_text(encoding="utf-8") == picture.svg
    assert picture.save(tmp_path / "a.html").read_text(encoding="utf-8") == picture.html
    with pytest.raises(errors.DataError, match="exists; name another file, or say overwrite=True"):
        picture.save(path)
    path.write_text("other")
    picture.save(path, overwrite=True)
    assert path.read_text(encoding="utf-8") == picture.svg
    for wrong, words in (("a.png", "svg or .html"), ("none/a.svg", "no folder"), ("", "is neither|is a folder")):
        with pytest.raises(errors.DataError, match=words):
            picture.save(tmp_path / wrong)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.html", "a.svg"]


def test_figures_of_matplotlib_are_pictures_too(tmp_path, Page):
    def make():
        figure, axes = plots.figure()
        axes.plot([0, 1], [1, 0])
        return figure

    picture = of_figure("A <line>", make)
    assert picture.save(tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
    assert ET.fromstring(picture.svg).tag.endswith("svg")
    assert "A <line>" in Page(picture.html).text


def test_notebooks_show_tensors_and_graphs_as_pictures(monkeypatch):
    f = add_mul()
    assert 'class="gg-picture gg-live gg-cell"' in f._repr_html_()
    assert "f = -12" in gg.Graph([f])._repr_html_().replace('<tspan class="soft">', "").replace("</tspan>", "")
    assert ">2.5<" in gg.tensor(2.5, "x")._repr_html_()
    assert gg.draw(f)._repr_html_() in f._repr_html_()
    assert repr(gg.draw(f)) == "<Picture of f: 2 gates, 3 inputs>"
    from glassgrad.views.picture import drawing

    monkeypatch.setattr(drawing, "SHOWN", 1)
    assert "gg-picture" not in f._repr_html_()
    monkeypatch.setattr(drawing, "LIVE", 1)
    assert gg.draw(f)._repr_html_() == gg.draw(f).svg


def test_the_command_draws_examples_into_files(tmp_path):
    svg, html = tmp_path / "n.svg", tmp_path / "n.html"
    done = run("explain", "sigmoid-neuron", "--svg", svg, "--html", html)
    assert done.exit_code == 0, done.output
    assert done.output.count("written to") == 2
    assert svg.read_text(encoding="utf-8") == worked.example("sigmoid-neuron").draw().svg
    assert html.read_text(encoding="utf-8").startswith("<!doctype html>")
    again = run("explain", "add-mul", "--svg", svg)
    assert again.exit_code == 2
    assert "replace it with --overwrite" in again.output
    assert run("explain", "add-mul", "--svg", svg, "--overwrite").exit_code == 0
    assert svg.read_text(encoding="utf-8") == worked.example("add-mul").draw().svg


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("add-mul", "--svg", "a.png"), "writes a file *.svg"),
        (("add-mul", "--png", "a.png"), "drawn as its graph"),
        (("--svg", "a.svg"), "name the worked example"),
        (("add-mul", "--html", "nowhere/a.html"), "no folder"),
    ],
)
def test_the_command_says_what_cannot_be_drawn(args, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run("explain", *args)
    assert done.exit_code == 2
    assert words in " ".join(done.output.split())
    assert list(tmp_path.iterdir()) == []
