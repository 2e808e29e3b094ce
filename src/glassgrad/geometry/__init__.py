"""What networks of straight pieces look like: elbows, regions, networks by construction, losses over weights."""

from __future__ import annotations
