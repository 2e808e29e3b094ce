"""Views: readers of graphs and histories. ``text`` prints the table of a graph, ``formulas`` writes formulas."""
