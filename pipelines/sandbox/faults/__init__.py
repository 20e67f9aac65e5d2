"""Faults on demand: their kinds, when they strike, and the pages that they corrupt. No HTTP."""
