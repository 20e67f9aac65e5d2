"""Keeping small what grows: old runs are forgotten, and the warehouse is written anew."""
