"""The command line: train, explain, check."""

from glassgrad.cli.commands import app, main

__all__ = ["app", "main"]
