"""Local exchanges that speak the venues' own protocols."""

from tickwire.simulator.venues.server import LineFaults, LineStats, VenueSimulator

__all__ = ["LineFaults", "LineStats", "VenueSimulator"]
