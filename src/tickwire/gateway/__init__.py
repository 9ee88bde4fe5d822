"""Live market data for browsers and scripts: REST control, server-sent events, metrics, a page.

``tickwire gateway`` on the command line, :class:`Gateway` inside a program, :func:`create_app` for
a server of one's own. Needs the extra ``gateway``.
"""

try:
    import fastapi as _fastapi  # noqa: F401
    import prometheus_client as _prometheus_client  # noqa: F401
    import uvicorn as _uvicorn  # noqa: F401
except ModuleNotFoundError as error:
    if error.name not in ("fastapi", "prometheus_client", "uvicorn"):
        raise
    raise ImportError(
        f"the gateway needs {error.name}: run  pip install 'tickwire[gateway]'",
        name=error.name,
    ) from None

from tickwire.gateway.app import create_app
from tickwire.gateway.config import GatewayConfig, GatewayLimits
from tickwire.gateway.hub import Hub
from tickwire.gateway.server import Gateway

__all__ = ["Gateway", "GatewayConfig", "GatewayLimits", "Hub", "create_app"]
