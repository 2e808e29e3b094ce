"""Displays in notebooks: what stands under a cell whose last line is one of our objects."""
