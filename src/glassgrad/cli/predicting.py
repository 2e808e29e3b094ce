"""`glassgrad predict`."""
