"""Networks on disk: safetensors and JSON, as a folder or as one file, never pickle."""

from glassgrad.storage.documents import MODEL, WEIGHTS
from glassgrad.storage.networks import FORMAT, VERSION, Model, load, save

__all__ = ["FORMAT", "MODEL", "VERSION", "WEIGHTS", "Model", "load", "save"]
