# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Frames straight into events, compiled. The words stand in `intake.py`, the twin in
`_intake_py.py`.

One pass over the bytes: a key is compared with the one that is due, a number becomes a float or an
int, and the value goes into the slot of a copy of the shape's template. No object is made of what
no event keeps. Whatever is not plain (a blank, an escape, a `null`, another type, a key twice, a
number out of sequence) is a miss: nothing has been changed then, and the frame is read by the
codec's general path.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItem
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from cpython.tuple cimport PyTuple_New, PyTuple_SET_ITEM
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from tickwire.exchanges._plain cimport (
    Cursor,
    hash_of,
    place_of,
    read_float,
    read_int,
    skip_member,
    skip_text,
    skip_value,
    skip_word,
)
from tickwire.exchanges._rows cimport RowFound, RowPlan, is_word, read_row
from tickwire.exchanges._slots cimport put, slot_of

cdef extern from "Python.h":
    void PyObject_GC_UnTrack(object) noexcept
    object PyUnicode_New(Py_ssize_t, Py_UCS4)
    void* PyUnicode_DATA(object)
    Py_ssize_t PyUnicode_GET_LENGTH(object)

cdef enum:
    KEYS = 24
    NAME = 40
    FEWEST_SLOTS = 64

cdef enum Action:
    SKIP, TEXT, DROP, INT, FLOAT, BOOL, SAME, SYMBOL, ITEMS, INSIDE, BIDS, ASKS, SIDES

cdef enum Rule:
    UNNUMBERED, PLUS_ONE, LINKED

ACTIONS = {
    "skip": SKIP, "text": TEXT, "drop": DROP, "int": INT, "float": FLOAT, "bool": BOOL,
    "same": SAME, "symbol": SYMBOL, "items": ITEMS, "inside": INSIDE, "bids": BIDS, "asks": ASKS,
    "sides": SIDES,
}
LARGEST = 1 << 62
RULES = {"": UNNUMBERED, "plus one": PLUS_ONE, "linked": LINKED}

cdef struct Key:
    char name[NAME]        # with its quotes and colon
    int size
    int action
    Py_ssize_t offset      # of the slot that takes the value, or -1
    Py_ssize_t also        # of another one: the same number, or whether a text is the word
    int number             # which of a record's numbers it is: 1 sequence, 2 previous, 3 floor
    uint32_t bit           # set where the key has to be there
    const char* word
    Py_ssize_t word_size
    const char* other      # the only other word that a text may be
    Py_ssize_t other_size
    PyObject* last         # the text that came last, of which the next is often a copy

cdef inline bint is_text(object text, const char* word, Py_ssize_t size):
    return PyUnicode_GET_LENGTH(text) == size and not memcmp(PyUnicode_DATA(text), word, size)

cdef object text_of(Key* key, const char* p, Py_ssize_t size):
    cdef object text
    if key.last != NULL:
        text = <object>key.last
        if PyUnicode_GET_LENGTH(text) == size and not memcmp(PyUnicode_DATA(text), p, size):
            return text
    text = PyUnicode_New(size, 127)
    if size:
        memcpy(PyUnicode_DATA(text), p, size)
    if key.last != NULL:
        Py_XDECREF(key.last)
    Py_INCREF(text)
    key.last = <PyObject*>text
    return text


cdef class Target:
    """Whose events they are. See the twin."""

    cdef public str symbol
    cdef public dict numbers
    cdef public object key
    cdef public dict floors
    cdef public long long mark
    cdef public object check

    def __init__(
        self, str symbol, *, dict numbers=None, key="", dict floors=None, mark=0, check=None
    ):
        self.symbol = symbol
        self.mark = mark
        self.check = check
        self.numbers = numbers
        self.key = key
        self.floors = floors


cdef class Shape:
    """What the frames of one kind look like. See the twin."""

    cdef readonly str kind
    cdef public long count
    cdef object copy
    cdef list words            # keeps what the keys point into
    cdef Key outer[KEYS]
    cdef Key inner[KEYS]
    cdef int outer_size
    cdef int inner_size
    cdef uint32_t outer_need
    cdef uint32_t inner_need
    cdef Py_ssize_t at_symbol
    cdef Py_ssize_t at_received
    cdef Py_ssize_t at_first
    cdef Py_ssize_t at_bids
    cdef Py_ssize_t at_asks
    cdef Py_ssize_t at_changes
    cdef Py_ssize_t at_time
    cdef Py_ssize_t at_place
    cdef bint is_flat
    cdef bint is_lax
    cdef bint is_reversed
    cdef int rule
    cdef bint may_repeat
    cdef bint is_frame_numbered
    # Rows of levels.
    cdef RowPlan row
    cdef bytes gone
    cdef bytes bid
    cdef bytes ask
    cdef object zero
    # Of the frame that is being read.
    cdef PyObject* stamps[KEYS]
    cdef Key* stamp_keys[KEYS]
    cdef int stamped
    cdef Target target
    cdef object last
    cdef long long last_number
    cdef long long floor
    cdef const char* symbol_begin
    cdef Py_ssize_t symbol_size
    cdef Key* symbol_key
    cdef long long[5] numbers

    def __init__(self, plan):
        cdef type kind = type(plan.template)
        cdef int n
        self.kind = plan.kind
        self.copy = plan.template.__copy__
        self.words = []
        self.at_symbol = slot_of(kind, "symbol")
        self.at_received = slot_of(kind, "ts_recv_ns")
        self.at_first = slot_of(kind, "first_sequence") if plan.sets_first else -1
        is_book = hasattr(kind, "bids")
        self.at_bids = slot_of(kind, "bids") if is_book else -1
        self.at_asks = slot_of(kind, "asks") if is_book else -1
        self.at_changes = slot_of(kind, "changes") if hasattr(kind, "changes") else -1
        self.at_time = slot_of(kind, "time") if plan.row.time else -1
        self.at_place = slot_of(kind, plan.place) if plan.place else -1
        self.is_flat = not plan.outer
        self.is_frame_numbered = any(key.number == 1 for key in plan.outer)
        self.is_lax = plan.is_lax
        self.is_reversed = plan.is_reversed
        self.rule = RULES[plan.rule]
        self.may_repeat = plan.may_repeat
        row = plan.row
        self.row.is_open, self.row.is_lax = row.is_open, plan.is_lax
        for n, where in enumerate((row.price, row.size, row.word, row.time)):
            if isinstance(where, int):
                self.row.places[n] = where
            elif where:
                name = b'"%b":' % where.encode()
                self.words.append(name)
                self.row.names[n] = PyBytes_AS_STRING(<bytes>name)
                self.row.name_sizes[n] = len(name)
        if isinstance(row.price, str):
            self.row.places = [-1, -1, -1]
        self.gone = row.gone.encode()
        self.bid = row.bid.encode()
        self.ask = row.ask.encode()
        self.zero = 0.0
        self.outer_size = len(plan.outer)
        self.inner_size = len(plan.inner)
        if max(self.outer_size, self.inner_size) > KEYS:
            raise ValueError("too many keys")
        for n in range(self.outer_size):
            self._set(&self.outer[n], plan.outer[n], n, kind, &self.outer_need)
        for n in range(self.inner_size):
            self._set(&self.inner[n], plan.inner[n], n, kind, &self.inner_need)

    def __dealloc__(self):
        cdef int n
        for n in range(KEYS):
            Py_XDECREF(self.outer[n].last)
            Py_XDECREF(self.inner[n].last)

    cdef int _set(self, Key* key, given, int n, type kind, uint32_t* need) except -1:
        cdef bytes name = b'"%b":' % given.name.encode()
        cdef bytes word = given.word.encode()
        cdef bytes other = given.other.encode()
        if len(name) > NAME:
            raise ValueError(f"{given.name!r} is too long a key")
        memcpy(key.name, PyBytes_AS_STRING(name), len(name))
        self.words += (word, other)
        key.size = <int>len(name)
        key.action = ACTIONS[given.action]
        key.offset = slot_of(kind, given.field) if given.field else -1
        key.also = slot_of(kind, given.also) if given.also else -1
        key.number = given.number
        key.bit = <uint32_t>1 << n
        key.word = PyBytes_AS_STRING(word)
        key.word_size = PyBytes_GET_SIZE(word)
        key.other = PyBytes_AS_STRING(other)
        key.other_size = PyBytes_GET_SIZE(other)
        if given.is_needed:
            need[0] |= key.bit
        return 0

    cdef int _find(self, Cursor* c, Key* keys, int size, int* due) noexcept:
        """Which key stands here: its place, or -1. The cursor is behind it then."""
        cdef int n
        cdef int tried
        cdef Key* key
        for tried in range(size):
            n = due[0] + tried
            if n >= size:
                n -= size
            key = &keys[n]
            if (
                c.end - c.p > key.size
                and c.p[1] == key.name[1]
                and not memcmp(c.p, key.name, key.size)
            ):
                c.p += key.size
                due[0] = n + 1 if n + 1 < size else 0
                return n
        return -1

    cdef object _value(self, Cursor* c, Key* key, bint* is_plain):
        """What stands here, as an object; `is_plain` is cleared on a miss."""
        cdef double number
        cdef long long whole
        cdef const char* begin = c.p + 1
        if key.action == FLOAT:
            if read_float(c, &number, self.is_lax):
                return number
        elif key.action == INT:
            if read_int(c, &whole, self.is_lax):
                self.numbers[key.number] = whole
                return whole
        elif key.action == TEXT:
            if skip_text(c):
                return text_of(key, begin, c.p - begin - 1)
        elif key.action == BOOL:
            if skip_word(c, b"true", 4):
                return True
            if skip_word(c, b"false", 5):
                return False
        is_plain[0] = False
        return None

    cdef int _plain(self, Cursor* c, Key* key) except -1:
        """A key of which no slot is filled; 2 where there is one."""
        cdef const char* begin = c.p + 1
        if key.action == SAME:
            return skip_word(c, key.word, key.word_size)
        if key.action == DROP:
            return skip_text(c)
        if key.action == SKIP:
            return skip_value(c, 0)
        if key.action == SYMBOL:
            if not skip_text(c):
                return 0
            if self.symbol_begin != NULL and (
                self.symbol_size != c.p - begin - 1
                or memcmp(self.symbol_begin, begin, self.symbol_size)
            ):
                return 0
            self.symbol_begin, self.symbol_size = begin, c.p - begin - 1
            self.symbol_key = key
            return 1
        return 2

    cdef int _record(self, Cursor* c, object event) except -1:
        """The rest of an object, into `event`: from its first key, past its end."""
        cdef uint32_t seen = 0
        cdef int due = 0
        cdef int n
        cdef int done
        cdef Key* key
        cdef bint is_plain = True
        cdef object value
        while True:
            n = self._find(c, self.inner, self.inner_size, &due)
            if n < 0:
                if not skip_member(c):
                    return 0
            else:
                key = &self.inner[n]
                if seen & key.bit:
                    return 0
                seen |= key.bit
                done = self._plain(c, key)
                if not done:
                    return 0
                if done == 2:
                    if key.action == BIDS or key.action == ASKS or key.action == SIDES:
                        if not self._levels(c, key.action, event):
                            return 0
                    else:
                        value = self._value(c, key, &is_plain)
                        if not is_plain:
                            return 0
                        if key.offset >= 0:
                            put(event, key.offset, value)
                        if key.also >= 0:
                            if key.action == TEXT:
                                if is_text(value, key.word, key.word_size):
                                    value = True
                                elif is_text(value, key.other, key.other_size):
                                    value = False
                                else:
                                    return 0
                            put(event, key.also, value)
            if c.p[0] == c"}":
                c.p += 1
                return seen & self.inner_need == self.inner_need
            if c.p[0] != c",":
                return 0
            c.p += 1

    cdef int _levels(self, Cursor* c, int action, object event) except -1:
        cdef list bids = []
        cdef list asks = bids
        cdef list changes = None
        cdef RowFound row
        cdef object price
        cdef object size
        row.time_size = 0
        if action == SIDES:
            asks = []
            if self.at_changes >= 0:
                changes = []
        if c.p[0] != c"[":
            return 0
        c.p += 1
        while c.p[0] != c"]":
            if not read_row(&self.row, c, &row):
                return 0
            price = row.price
            if is_word(&row, PyBytes_AS_STRING(self.gone), PyBytes_GET_SIZE(self.gone)):
                size = self.zero
            else:
                size = row.size
            pair = PyTuple_New(2)
            Py_INCREF(price)
            PyTuple_SET_ITEM(pair, 0, price)
            Py_INCREF(size)
            PyTuple_SET_ITEM(pair, 1, size)
            PyObject_GC_UnTrack(pair)  # of floats: the collector would find that out later
            if action == SIDES:
                if is_word(&row, PyBytes_AS_STRING(self.bid), PyBytes_GET_SIZE(self.bid)):
                    bids.append(pair)
                elif is_word(&row, PyBytes_AS_STRING(self.ask), PyBytes_GET_SIZE(self.ask)):
                    asks.append(pair)
                else:
                    return 0
                if changes is not None:
                    changes.append((row.word[: row.word_size].decode("ascii"), price, size))
            else:
                bids.append(pair)
            if c.p[0] == c",":
                c.p += 1
                if c.p[0] == c"]":
                    return 0
            elif c.p[0] != c"]":
                return 0
        c.p += 1
        if action != ASKS:
            put(event, self.at_bids, bids)
        if action != BIDS:
            put(event, self.at_asks, asks)
        if changes is not None:
            put(event, self.at_changes, changes)
        if self.at_time >= 0 and row.time_size:
            put(event, self.at_time, row.time[: row.time_size].decode("ascii"))
        return 1

    cdef int _outer(self, Cursor* c, Lane lane, list events, uint32_t* seen) except -1:
        """The rest of the frame's object, from a key on."""
        cdef int due = 0
        cdef int n
        cdef int done
        cdef Key* key
        cdef bint is_plain = True
        cdef bint is_list
        while True:
            n = self._find(c, self.outer, self.outer_size, &due)
            if n < 0:
                if not skip_member(c):
                    return 0
            else:
                key = &self.outer[n]
                if seen[0] & key.bit:
                    return 0
                seen[0] |= key.bit
                done = self._plain(c, key)
                if not done:
                    return 0
                if done == 2:
                    is_list = c.p[0] == c"["
                    if key.action == ITEMS:
                        if not self._items(c, lane, events, is_list):
                            return 0
                    elif key.action == INSIDE:
                        # One part of a list of parts; of more, their events would mix.
                        c.p += is_list
                        if c.p[0] != c"{":
                            return 0
                        c.p += 1
                        if not self._outer(c, lane, events, seen):
                            return 0
                        if is_list:
                            if c.p[0] != c"]":
                                return 0
                            c.p += 1
                    else:
                        value = self._value(c, key, &is_plain)
                        if not is_plain:
                            return 0
                        self._stamp(key, value)
            if c.p[0] == c"}":
                c.p += 1
                return 1
            if c.p[0] != c",":
                return 0
            c.p += 1

    cdef void _stamp(self, Key* key, object value) noexcept:
        """Keep what all events of the frame will carry. A key comes once, so there is room."""
        Py_INCREF(value)
        self.stamps[self.stamped] = <PyObject*>value
        self.stamp_keys[self.stamped] = key
        self.stamped += 1

    cdef int _items(self, Cursor* c, Lane lane, list events, bint is_list) except -1:
        cdef int place = 0
        if is_list:
            c.p += 1
            if c.p[0] == c"]":
                return 0
        while True:
            if c.p[0] != c"{":
                return 0
            c.p += 1
            if not self._item(c, lane, events, place):
                return 0
            place += 1
            if not is_list:
                return 1
            if c.p[0] == c"]":
                c.p += 1
                return 1
            if c.p[0] != c",":
                return 0
            c.p += 1

    cdef int _item(self, Cursor* c, Lane lane, list events, int place) except -1:
        cdef bint is_first = self.target is None
        event = self.copy()
        if not self._record(c, event):
            return 0
        if is_first and not self._meet(lane):
            return 0
        if self.numbers[4] != self.target.mark:
            return 0
        if self.rule and (is_first or not self.is_frame_numbered) and not self._joins(event):
            return 0
        if self.at_place >= 0 and place:
            put(event, self.at_place, place)
        events.append(event)
        return 1

    cdef int _meet(self, Lane lane) except -1:
        """Find whose events these are, and where their numbers have come to."""
        cdef PyObject* found
        cdef Target target = lane.target
        if target is None:
            if self.symbol_begin == NULL:
                return 0
            found = PyDict_GetItem(
                lane.targets, text_of(self.symbol_key, self.symbol_begin, self.symbol_size)
            )
            if found == NULL:
                return 0
            target = <Target>found
        if self.rule:
            if target.numbers is None:
                return 0
            found = PyDict_GetItem(target.numbers, target.key)
            if found == NULL:
                return 0
            self.last = <object>found
            last = self.last if isinstance(self.last, int) else self.last.last
            if last is None or not 0 <= last < LARGEST:
                return 0
            self.last_number = last
            if target.floors is not None:
                found = PyDict_GetItem(target.floors, target.key)
                floor = 0 if found == NULL else <object>found
                if not 0 <= floor < LARGEST:
                    return 0
                self.floor = floor
        self.target = target
        return 1

    cdef int _joins(self, object event) except -1:
        """Whether the event is the plain successor of the one before it."""
        cdef long long number = self.numbers[1]
        cdef long long previous = self.numbers[2]
        if self.rule == PLUS_ONE:
            # The number 1 begins some books anew.
            if number != self.last_number + 1 or number == 1:
                return 0
        else:
            if previous != self.last_number or not (previous < number or self.may_repeat):
                return 0
            put(event, self.at_first, previous + 1 if previous < number else number)
        if self.target.floors is not None:
            if self.numbers[3] < self.floor:
                return 0
            self.floor = self.numbers[3]
        self.last_number = number
        return 1

    cdef int read(self, Lane lane, bytes frame, object recv_ns, list events) except -1:
        """Append the frame's events: 1. Or change nothing: 0."""
        cdef Cursor c
        cdef Py_ssize_t before = len(events)
        cdef int done
        cdef int n
        c.p = PyBytes_AS_STRING(frame)
        c.end = c.p + PyBytes_GET_SIZE(frame)
        if c.end - c.p <= lane.start:
            return 0
        c.p += lane.start
        if lane.start > PyBytes_GET_SIZE(lane.head) and (c.p - 1)[0] != c",":
            return 0
        self.stamped = 0
        self.symbol_begin = NULL
        self.target = None
        self.numbers[1] = -1
        self.numbers[4] = 0
        try:
            done = self._frame(&c, lane, events) and len(events) > before
            if done:
                self._finish(frame, recv_ns, events, before)
            else:
                del events[before:]
            return done
        finally:
            for n in range(self.stamped):
                Py_XDECREF(self.stamps[n])

    cdef int _frame(self, Cursor* c, Lane lane, list events) except -1:
        cdef uint32_t seen = 0
        if self.is_flat:
            if not self._item(c, lane, events, 0):
                return 0
        elif not self._outer(c, lane, events, &seen) or seen & self.outer_need != self.outer_need:
            return 0
        return (
            c.end - c.p == PyBytes_GET_SIZE(lane.tail)
            and not memcmp(c.p, PyBytes_AS_STRING(lane.tail), c.end - c.p)
        )

    cdef int _finish(
        self, bytes frame, object recv_ns, list events, Py_ssize_t before
    ) except -1:
        cdef Target target = self.target
        cdef Py_ssize_t n
        cdef Py_ssize_t size = len(events)
        cdef int i
        cdef Key* key
        for n in range(before, size):
            event = events[n]
            put(event, self.at_received, recv_ns)
            put(event, self.at_symbol, target.symbol)
            for i in range(self.stamped):
                key = self.stamp_keys[i]
                if key.offset >= 0:
                    put(event, key.offset, <object>self.stamps[i])
                if key.also >= 0:
                    put(event, key.also, <object>self.stamps[i])
        if self.is_reversed and size - before > 1:
            events[before:] = events[before:][::-1]
        if self.rule:
            if isinstance(self.last, int):
                target.numbers[target.key] = self.last_number
            else:
                self.last.last = self.last_number
            if target.floors is not None:
                target.floors[target.key] = self.floor
        self.count += size - before
        if target.check is not None:
            found = events[before:]
            del events[before:]
            for n in range(size - before):
                target.check(found[n], frame, n, events)
                events.append(found[n])
        return 0


cdef class Lane:
    """The way of the frames that begin alike."""

    cdef bytes head
    cdef bytes tail
    cdef Py_ssize_t start
    cdef Shape shape
    cdef Target target
    cdef dict targets
    cdef long look_every
    cdef long unlooked


cdef class Intake:
    """All ways of a connection. See the twin."""

    cdef object general
    cdef object look
    cdef bytes ends
    cdef Py_ssize_t begin
    cdef list lanes
    # Open addressing: places in the list, or -1.
    cdef list slots
    cdef uint32_t mask

    def __init__(self, general, *, bytes ends, Py_ssize_t begin, look=None):
        self.general = general
        self.look = general if look is None else look
        self.ends = ends
        self.begin = begin
        self.clear()

    def clear(self):
        self.lanes = []
        self.mask = FEWEST_SLOTS - 1
        self.slots = [None] * FEWEST_SLOTS

    def add(
        self,
        bytes head not None,
        Shape shape not None,
        *,
        start=None,
        Target target=None,
        dict targets=None,
        bytes tail=b"",
        long look_every=0,
    ):
        cdef Lane lane = self._find(PyBytes_AS_STRING(head), PyBytes_GET_SIZE(head))
        cdef bint is_new = lane is None
        if is_new:
            lane = Lane.__new__(Lane)
        lane.head, lane.tail, lane.shape = head, tail, shape
        lane.start = len(head) if start is None else start
        lane.target, lane.targets = target, targets
        lane.look_every = lane.unlooked = look_every
        if not is_new:
            return
        self.lanes.append(lane)
        if len(self.lanes) * 2 > <Py_ssize_t>self.mask:
            self.mask = self.mask * 2 + 1
            self.slots = [None] * (self.mask + 1)
            for other in self.lanes:
                self._put(other)
        else:
            self._put(lane)

    cdef int _put(self, Lane lane) except -1:
        cdef uint32_t at = hash_of(PyBytes_AS_STRING(lane.head), len(lane.head)) & self.mask
        while self.slots[at] is not None:
            at = (at + 1) & self.mask
        self.slots[at] = lane
        return 0

    cdef Lane _find(self, const char* head, Py_ssize_t size):
        cdef uint32_t at = hash_of(head, size) & self.mask
        cdef Lane lane
        while True:
            found = self.slots[at]
            if found is None:
                return None
            lane = <Lane>found
            if PyBytes_GET_SIZE(lane.head) == size and not memcmp(
                PyBytes_AS_STRING(lane.head), head, size
            ):
                return lane
            at = (at + 1) & self.mask

    def receive(self, bytes frame not None, recv_ns, list events not None):
        self._receive(frame, recv_ns, events)

    def receive_many(self, frames, recv_ns, list events not None):
        for frame in frames:
            self._receive(<bytes?>frame, recv_ns, events)

    cdef int _receive(self, bytes frame, object recv_ns, list events) except -1:
        cdef Py_ssize_t size = place_of(frame, self.ends, self.begin)
        cdef Lane lane
        if size > 0:
            lane = self._find(PyBytes_AS_STRING(frame), size)
            if lane is not None:
                if lane.look_every and not lane.unlooked:
                    lane.unlooked = lane.look_every
                    self.look(frame, recv_ns, events)
                    return 0
                if lane.shape.read(lane, frame, recv_ns, events):
                    lane.unlooked -= lane.look_every > 0
                    return 0
        self.general(frame, recv_ns, events)
        return 0
