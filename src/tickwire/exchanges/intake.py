"""The compiled intake of trades and books, and what its shapes are made of. Pure.

Most of a venue's frames are trades and changes of books, always spelt alike. For these a codec
says once what they look like (:class:`Plan`), and an :class:`Intake` reads them straight into
events: it finds the way of a frame by the bytes that it begins with, copies the plan's template and
fills its fields. Everything else goes to the codec's general path: what has no way yet, what is
spelt otherwise, and what does not plainly follow the event before it. So the general path alone
decides what a frame means, and both give the same events; a test holds them together.

Without a compiler there is no intake: every frame takes the general path
(:mod:`tickwire.exchanges._intake_py`).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from tickwire.wire import COMPILED as WIRE_COMPILED
from tickwire.wire import PURE_FORCED

__all__ = ["COMPILED", "Intake", "Key", "Plan", "Row", "Shape", "Target"]

COMPILED = False
"""Whether the compiled core is in use."""

if TYPE_CHECKING:
    from ._intake import Intake, Shape, Target
else:
    if not PURE_FORCED:
        try:
            from ._intake import Intake, Shape, Target

            COMPILED = True
        except ImportError:
            if WIRE_COMPILED:  # else the wire core has said it
                logging.getLogger("tickwire").warning(
                    "no compiled intake of shapes: using the general path, slower; "
                    "install a C compiler and reinstall tickwire (`tickwire doctor` tells more)"
                )
    if not COMPILED:
        from ._intake_py import Intake, Shape, Target


class Key(NamedTuple):
    """A key of a message and what is done with its value.

    Attributes:
        name: As sent, without quotes.
        action: ``int``, ``float``, ``text`` and ``bool`` fill a field. ``drop`` is a text and
            ``skip`` anything, not kept. ``same`` has to be the very bytes of ``word``. ``symbol``
            says whose events they are. ``items`` has the events, one or a list; ``inside`` an
            object, or a list of one, whose keys are those of the frame. ``bids``, ``asks`` and
            ``sides`` (both, mixed) are levels.
        field: The field that takes the value; of the frame's keys, in every event.
        also: Another field: it takes the same number, or whether a text is ``word``.
        word: See there.
        other: What the text is otherwise; a message with a third word is for the general path.
        number: Whether it is the event's sequence number (1), its predecessor's (2), one that
            must not fall (3) or one that the target tells (4).
        is_needed: Whether a message without it is for the general path.
    """

    name: str
    action: str
    field: str = ""
    also: str = ""
    word: str = ""
    other: str = ""
    number: int = 0
    is_needed: bool = True


class Row(NamedTuple):
    """A row of levels: a list, whose places these are, or an object with these keys.

    Attributes:
        price: Of the price.
        size: Of the size.
        word: Of a word that says the side, or what is done; -1 or empty for none.
        gone: The word that makes the size 0.
        bid, ask: The words that make it a bid or an ask.
        time: The key of a text of which the last row's becomes the event's ``time``; objects only.
        is_open: Whether a list may have more than this.
    """

    price: int | str = 0
    size: int | str = 1
    word: int | str = -1
    gone: str = ""
    bid: str = ""
    ask: str = ""
    time: str = ""
    is_open: bool = False


class Plan(NamedTuple):
    """What the frames of one kind look like.

    Attributes:
        kind: The name under which its events are counted.
        template: An event of which every new one is a copy.
        inner: The keys of an event, in the order in which they tend to come.
        outer: The keys of the frame around it; empty where the frame is the event.
        rule: ``plus one``: the number is one more than the last. ``linked``: the predecessor's
            number is the last. Empty: there are none.
        sets_first: Whether ``first_sequence`` is the predecessor's number and one.
        may_repeat: Whether a number may be its predecessor's; ``first_sequence`` is it then.
        is_lax: Whether numbers may come as texts.
        is_reversed: Whether the newest event comes first.
        place: The field that takes an event's place in its message.
        row: How levels are written.
    """

    kind: str
    template: Any
    inner: tuple[Key, ...]
    outer: tuple[Key, ...] = ()
    rule: str = ""
    sets_first: bool = False
    may_repeat: bool = False
    is_lax: bool = True
    is_reversed: bool = False
    place: str = ""
    row: Row = Row()
