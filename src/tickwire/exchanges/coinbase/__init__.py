"""Coinbase: Advanced Trade and the Exchange feed, two protocols over one set of order books."""
