"""What all tests share."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Two slow cores and a shared machine: hypothesis' own clock says nothing about the code here.
settings.register_profile(
    "tickwire", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("tickwire")
