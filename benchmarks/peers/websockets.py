"""websockets' asyncio client.

Its guides name compression and the queue as what to turn. Keepalive pings are off, as elsewhere.
"""

from __future__ import annotations

from benchmarks.peers.websockets_shape import Shape
from websockets.asyncio.client import connect

_shape = Shape(connect)

deliver = _shape.deliver
receive = _shape.receive
dawdle = _shape.dawdle
send = _shape.send
echo = _shape.echo
connections = _shape.connections
