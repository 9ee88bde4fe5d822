"""Kraken: spot, WebSocket interface v2."""
