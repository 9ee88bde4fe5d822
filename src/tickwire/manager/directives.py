"""What a codec wants besides giving events: frames to send, refusals to tell, directives."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tickwire.exchanges import Reconnect, Resync, RotateBy
from tickwire.transport.errors import shown

from .reasons import DisconnectReason

if TYPE_CHECKING:
    from tickwire.exchanges import Codec, Directive

    from .core import Core
    from .link import Link

__all__ = ["obey"]

_log = logging.getLogger("tickwire.manager")


def obey(core: Core, link: Link, codec: Codec) -> None:
    """Do what the codec of ``link`` wants after the frames that it was given."""
    for frame in codec.take_output():
        core.spawn(core.send_quietly(link, frame.decode()))
    for refusal in codec.take_errors():
        core.refuse(refusal)
    while (directive := codec.take_directive()) is not None:
        _follow(core, link, directive)


def _follow(core: Core, link: Link, directive: Directive) -> None:
    if link.planned is not None and not isinstance(directive, Resync):
        return  # it is being replaced already; what it says late is not about its successor
    if isinstance(directive, RotateBy):
        # No lead time is promised, so the hand-over begins at once.
        _log.info("%s: the venue asks for a new connection: %s", shown(core.url), directive.reason)
        core.rotate(link.slot, DisconnectReason.CONNECTION_LIMIT)
    elif isinstance(directive, Reconnect) and link.slot.link is not link:
        # It was to replace another one, which goes on; the next attempt comes after a pause.
        _log.warning("%s: the replacement is of no use: %s", shown(core.url), directive.reason)
        link.retire(DisconnectReason.PROTOCOL_ERROR)
    elif isinstance(directive, Reconnect):
        _log.warning("%s: the connection is of no more use: %s", shown(core.url), directive.reason)
        core.rotate(link.slot, DisconnectReason.PROTOCOL_ERROR)
    else:
        core.spawn(core.resubscribe(link, directive.stream))
