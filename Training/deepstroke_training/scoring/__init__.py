"""Trains the score of ASPECTS regions, and measures it against readers or a known truth."""
