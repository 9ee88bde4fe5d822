"""``picows.websockets``: picows behind the interface of websockets."""

from __future__ import annotations

from benchmarks.peers.websockets_shape import Shape
from picows.websockets.asyncio.client import connect

_shape = Shape(connect)

deliver = _shape.deliver
receive = _shape.receive
dawdle = _shape.dawdle
send = _shape.send
echo = _shape.echo
connections = _shape.connections
