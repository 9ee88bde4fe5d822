# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The price ladder, compiled: the bytes of a depth message to sorted levels, with no object
between.

Theory of operation. A message is taken in two steps, so that one that turns out to be
malformed, or not to be the next one, changes nothing: `scan` reads it into `staged`, one array
per side, and tells its numbers; `apply` or `replace` puts what is staged into the book.

Numbers. A price is an integer, its digits at the book's own scale (`scale` decimals, which
grows when a finer price comes); a size is an integer and its decimals. Both keep how many
decimals were sent, so that the text as sent can be given back (venues sum checksums over it).
18 digits and 18 decimals are the bounds; a number beyond them is refused, never rounded.

Order. Each side is two parallel arrays sorted so that the best level is last: keys are prices
for bids and negated prices for asks. Nearly all activity is near the best, so nearly all moving
is short. Changes come best first, as venues send them, each one sought from the place of the
one before; otherwise they are sorted first, and of several for one price the last one sent
stays. Removals are collected and closed up in one pass, insertions likewise, so a message costs
one walk over the part of the side that it touches, however many levels it has.

The pure-Python twin is fallback.py. A property test feeds both the same messages.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport qsort
from libc.string cimport memcmp, memcpy, memmove

from tickwire.book._json cimport Number, blanks, key_end, number, number_text, quoted, value_end
from tickwire.errors import CodecError

cdef enum:
    MAX_KEYS = 8
    MAX_KEY = 24

cdef int64_t[19] TEN
cdef int _power
TEN[0] = 1
for _power in range(1, 19):
    TEN[_power] = TEN[_power - 1] * 10

cdef enum:
    FIRST, LAST, PREVIOUS, TIME, BIDS, ASKS, INSIDE, NOTHING

ROLES = ("first", "last", "previous", "time", "bids", "asks", "inside")

# What a number is besides its digits.
ctypedef struct Meta:
    uint8_t price_decimals
    uint8_t price_zeros
    uint8_t size_decimals
    uint8_t size_zeros

ctypedef struct Change:
    int64_t key
    int64_t size
    Meta meta
    int32_t index

ctypedef struct Staged:
    Change* items
    Py_ssize_t count
    Py_ssize_t room
    bint is_present

# A level that goes from, or comes in before, ``place``. ``shift`` is how far the levels behind it,
# up to the next edit, move.
ctypedef struct Edit:
    Py_ssize_t place
    Py_ssize_t shift
    Change* added

# What a level has besides its key.
ctypedef struct Level:
    int64_t size
    Meta meta

ctypedef struct Side:
    int64_t* keys
    Level* levels
    Py_ssize_t count
    Py_ssize_t room
    int sign


cdef int by_key(const void* a, const void* b) noexcept nogil:
    """Best first; of equal prices, the one that was sent last."""
    cdef const Change* x = <const Change*>a
    cdef const Change* y = <const Change*>b
    if x.key != y.key:
        return 1 if x.key < y.key else -1
    return 1 if x.index < y.index else -1


cdef inline Py_ssize_t below(
    const int64_t* keys, Py_ssize_t low, Py_ssize_t count, int64_t key
) noexcept nogil:
    """The first place from ``low`` on whose key is not below ``key``, or ``low + count``."""
    cdef Py_ssize_t half
    # No branch depends on a key: the processor could not guess it.
    while count > 0:
        half = (count + 1) >> 1
        low += half * (keys[low + half - 1] < key)
        count -= half
    return low


cdef inline Py_ssize_t locate(const int64_t* keys, Py_ssize_t top, int64_t key) noexcept nogil:
    """The first place in ``keys[:top]`` whose key is not below ``key``, sought from its end."""
    cdef Py_ssize_t low, step = 8
    # Mostly it is the next one, or one of the next few.
    if top and keys[top - 1] <= key:
        return top - (keys[top - 1] == key)
    while True:
        low = top - step
        if low < 0:
            return below(keys, 0, top, key)
        if keys[low] < key:
            return below(keys, low + 1, top - low - 1, key)
        top = low
        step += step >> 1


cdef str text_of(int64_t digits, int decimals, int zeros):
    """The number in the digits that were sent."""
    cdef str text
    if decimals + zeros == 0:
        return str(digits)
    text = str(digits if digits >= 0 else -digits).rjust(decimals + 1, "0")
    whole = text[:len(text) - decimals]
    return f"{'-' if digits < 0 else ''}{whole}.{text[len(text) - decimals:]}{'0' * zeros}"


cdef inline double double_of(int64_t digits, int decimals) except? -1.5:
    """The nearest double. A quotient of two exact doubles is correctly rounded."""
    if -9007199254740992 <= digits <= 9007199254740992:
        return <double>digits / <double>TEN[decimals]
    return int(digits) / int(TEN[decimals])


cdef class Layout:
    """Where a venue's depth message has what. See the twin."""

    cdef uint8_t[MAX_KEYS][MAX_KEY] names
    cdef int[MAX_KEYS] sizes
    cdef int[MAX_KEYS] roles
    cdef int count

    def __init__(self, *, last, bids, asks, first=None, previous=None, time=None, inside=None):
        cdef bytes name
        for role, text in enumerate((first, last, previous, time, bids, asks, inside)):
            if text is None:
                continue
            name = text.encode()
            if not 0 < len(name) <= MAX_KEY:
                raise ValueError(f"{ROLES[role]}={text!r}: a key of 1 to {MAX_KEY} bytes")
            memcpy(self.names[self.count], <const char*>name, len(name))
            self.sizes[self.count] = <int>len(name)
            self.roles[self.count] = role
            self.count += 1

    cdef int role(self, const uint8_t* key, Py_ssize_t size) noexcept nogil:
        cdef int i
        for i in range(self.count):
            if self.sizes[i] == size and memcmp(self.names[i], key, size) == 0:
                return self.roles[i]
        return NOTHING


cdef class Ladder:
    """Both sides of a book. See the twin."""

    cdef Side[2] sides
    cdef Staged[2] staged
    cdef int64_t[4] numbers
    cdef bint[4] has_number
    # What a message removes and adds, highest place first.
    cdef Edit* edits
    cdef Py_ssize_t edits_room
    # Decimals of the keys; -1 before the first price.
    cdef int scale

    def __cinit__(self):
        self.sides[0].sign = 1
        self.sides[1].sign = -1
        self.scale = -1

    def __dealloc__(self):
        cdef int i
        for i in range(2):
            PyMem_Free(self.sides[i].keys)
            PyMem_Free(self.sides[i].levels)
            PyMem_Free(self.staged[i].items)
        PyMem_Free(self.edits)

    # Taking a message in

    def scan(self, Layout layout not None, payload):
        cdef Py_buffer view
        cdef const uint8_t* start
        cdef const uint8_t* at
        PyObject_GetBuffer(payload, &view, PyBUF_SIMPLE)
        try:
            start = <const uint8_t*>view.buf
            self._unstage()
            at = self._message(layout, start, start + view.len)
            if at != NULL:
                at = blanks(at, start + view.len)
            if at != start + view.len:
                self._unstage()
                raise CodecError(
                    "not a depth message: malformed JSON, or a number beyond 18 digits"
                )
        finally:
            PyBuffer_Release(&view)
        if not (self.has_number[LAST] and self.staged[0].is_present and self.staged[1].is_present):
            self._unstage()
            raise CodecError("not a depth message: it lacks its sequence or its levels")
        self._settle()
        return (
            self.numbers[FIRST] if self.has_number[FIRST] else None,
            self.numbers[LAST],
            self.numbers[PREVIOUS] if self.has_number[PREVIOUS] else None,
            self.numbers[TIME] if self.has_number[TIME] else 0,
        )

    def stage(self, bids, asks):
        cdef int i
        cdef bytes text
        cdef const uint8_t* p
        cdef const uint8_t* end
        cdef Number price, size
        self._unstage()
        for i, levels in enumerate((bids, asks)):
            self.staged[i].is_present = True
            for level in levels:
                text = f"{level[0]} {level[1]}".encode()
                p = <const uint8_t*><const char*>text
                end = p + len(text)
                p = number(p, end, &price)
                if p != NULL and p < end:
                    p = number(p + 1, end, &size)
                if p != end or size.digits < 0:
                    self._unstage()
                    raise CodecError(f"{level!r} is not a level, or is beyond 18 digits")
                self._add(&self.staged[i], &price, &size)
        self._settle()

    cdef void _unstage(self) noexcept:
        cdef int i
        for i in range(2):
            self.staged[i].count = 0
            self.staged[i].is_present = False
        for i in range(4):
            self.has_number[i] = False

    cdef const uint8_t* _message(
        self, Layout layout, const uint8_t* p, const uint8_t* end
    ) except? NULL:
        """Read the object at ``p`` and what is inside; gives what comes after it, or NULL."""
        cdef const uint8_t* key
        cdef Number value
        cdef int role
        p = blanks(p, end)
        if p == end or p[0] != c"{":
            return NULL
        p = blanks(p + 1, end)
        if p < end and p[0] == c"}":
            return p + 1
        while True:
            key = p + 1
            p = key_end(p, end)
            if p == NULL:
                return NULL
            role = layout.role(key, self._key_size(key, p))
            p = blanks(p, end)
            if role <= TIME:
                if number(p, end, &value) == NULL or value.decimals:
                    return NULL
                p = number_text(p, end)
                self.numbers[role] = value.digits
                self.has_number[role] = True
            elif role == BIDS or role == ASKS:
                p = self._levels(&self.staged[role - BIDS], p, end)
            elif role == INSIDE:
                p = self._message(layout, p, end)
            else:
                p = value_end(p, end)
            if p == NULL:
                return NULL
            p = blanks(p, end)
            if p == end:
                return NULL
            if p[0] == c"}":
                return p + 1
            if p[0] != c",":
                return NULL
            p = blanks(p + 1, end)

    cdef Py_ssize_t _key_size(self, const uint8_t* key, const uint8_t* after) noexcept nogil:
        """Bytes of the key, of which ``after`` is what comes after its colon."""
        after -= 1
        while after[0] != c'"':
            after -= 1
        return after - key

    cdef const uint8_t* _levels(
        self, Staged* staged, const uint8_t* p, const uint8_t* end
    ) except? NULL:
        cdef Number price, size
        staged.count = 0
        staged.is_present = True
        if p == end or p[0] != c"[":
            return NULL
        p = blanks(p + 1, end)
        if p < end and p[0] == c"]":
            return p + 1
        while True:
            if p == end or p[0] != c"[":
                return NULL
            p = quoted(blanks(p + 1, end), end, &price)
            if p == NULL:
                return NULL
            p = blanks(p, end)
            if p == end or p[0] != c",":
                return NULL
            p = quoted(blanks(p + 1, end), end, &size)
            if p == NULL or size.digits < 0:
                return NULL
            p = blanks(p, end)
            # What some venues add to a level: order counts, times.
            while p < end and p[0] == c",":
                p = value_end(p + 1, end)
                if p == NULL:
                    return NULL
                p = blanks(p, end)
            if p == end or p[0] != c"]":
                return NULL
            self._add(staged, &price, &size)
            p = blanks(p + 1, end)
            if p == end:
                return NULL
            if p[0] == c"]":
                return p + 1
            if p[0] != c",":
                return NULL
            p = blanks(p + 1, end)

    cdef inline int _add(self, Staged* staged, Number* price, Number* size) except -1:
        cdef Change* change
        if staged.count == staged.room:
            self._make_room(staged)
        change = &staged.items[staged.count]
        change.key = price.digits
        change.size = size.digits
        change.meta.price_decimals = price.decimals
        change.meta.price_zeros = price.zeros
        change.meta.size_decimals = size.decimals
        change.meta.size_zeros = size.zeros
        change.index = <int32_t>staged.count
        staged.count += 1
        return 0

    cdef int _make_room(self, Staged* staged) except -1:
        cdef Py_ssize_t room = max(64, staged.room * 2)
        items = <Change*>PyMem_Realloc(staged.items, room * sizeof(Change))
        if items == NULL:
            raise MemoryError
        staged.items = items
        staged.room = room
        return 0

    cdef int _settle(self) except -1:
        """From digits to keys at the book's scale, best first, one change per price."""
        # The scale is one for both sides, so both have their say before any key is made.
        if not (
            self._scale_up(&self.staged[0])
            and self._scale_up(&self.staged[1])
            and self._make_keys(&self.staged[0], 1)
            and self._make_keys(&self.staged[1], -1)
        ):
            self._unstage()
            raise CodecError("prices of one book need more than 18 digits between them")
        return 0

    cdef bint _scale_up(self, Staged* staged) noexcept nogil:
        """Make the book's scale fine enough for what is staged; False where it cannot be."""
        cdef Py_ssize_t n
        cdef int finest = self.scale, decimals, i
        cdef int64_t digits, factor
        for n in range(staged.count):
            decimals = staged.items[n].meta.price_decimals
            if decimals <= finest:
                continue
            if self.scale >= 0:
                # Zeros behind the finest decimal are spelling.
                digits = staged.items[n].key
                while decimals > finest and digits % 10 == 0:
                    digits = digits // 10
                    decimals -= 1
            if decimals > finest:
                finest = decimals
        if self.scale >= 0 and finest > self.scale:
            factor = TEN[finest - self.scale]
            for i in range(2):
                for n in range(self.sides[i].count):
                    if not -TEN[18] < <double>self.sides[i].keys[n] * factor < TEN[18]:
                        return False
            for i in range(2):
                for n in range(self.sides[i].count):
                    self.sides[i].keys[n] *= factor
        self.scale = finest
        return True

    cdef bint _make_keys(self, Staged* staged, int sign) noexcept nogil:
        cdef Py_ssize_t n, kept
        cdef Change* change
        cdef int decimals
        cdef int64_t before = 0, limit
        cdef bint in_order = True
        for n in range(staged.count):
            change = &staged.items[n]
            decimals = change.meta.price_decimals
            if decimals < self.scale:
                limit = (TEN[18] - 1) // TEN[self.scale - decimals]
                if not -limit <= change.key <= limit:
                    return False
                change.key *= TEN[self.scale - decimals]
            elif decimals > self.scale:
                change.key = change.key // TEN[decimals - self.scale]
            change.key *= sign
            if n and change.key >= before:
                in_order = False
            before = change.key
        if not in_order:
            qsort(staged.items, staged.count, sizeof(Change), by_key)
            kept = 0
            for n in range(staged.count):
                if n and staged.items[n].key == staged.items[kept - 1].key:
                    continue
                staged.items[kept] = staged.items[n]
                kept += 1
            staged.count = kept
        return True

    # Putting it into the book

    def apply(self):
        self._apply(0)
        self._apply(1)
        return self._is_crossed()

    def replace(self):
        self.sides[0].count = 0
        self.sides[1].count = 0
        self._apply(0)
        self._apply(1)

    def truncate(self, Py_ssize_t n):
        cdef Side* side
        cdef Py_ssize_t i, drop
        if n < 0:
            raise ValueError(f"{n} levels: keep none or more")
        for i in range(2):
            side = &self.sides[i]
            drop = side.count - n
            if drop > 0:
                # The best stand last.
                memmove(side.keys, side.keys + drop, n * sizeof(int64_t))
                memmove(side.levels, side.levels + drop, n * sizeof(Level))
                side.count = n

    def clear(self):
        self._unstage()
        self.sides[0].count = 0
        self.sides[1].count = 0
        self.scale = -1

    cdef int _apply(self, int which) except -1:
        cdef Side* side = &self.sides[which]
        cdef Staged* staged = &self.staged[which]
        cdef Py_ssize_t n, place, target, top = side.count, count = 0
        cdef Change* change
        cdef bint is_there
        if not staged.count:
            return 0
        # One place more than there can be levels, for what is written in vain.
        if side.count + staged.count >= side.room:
            self._grow(side, side.count + staged.count + 1)
        if staged.count > self.edits_room:
            self._grow_edits(staged.count)
        with nogil:
            for n in range(staged.count):
                change = &staged.items[n]
                place = locate(side.keys, top, change.key)
                is_there = (place < top) & (side.keys[place] == change.key)
                # No branches: whether a level is new, changed or gone is as good as random.
                target = place if is_there else side.room - 1
                side.levels[target].size = change.size
                side.levels[target].meta = change.meta
                self.edits[count].place = place
                self.edits[count].added = NULL if is_there else change
                count += is_there == (change.size == 0)
                top = place
            if count:
                self._move(side, count)
        staged.count = 0
        return 0

    cdef void _move(self, Side* side, Py_ssize_t count) noexcept nogil:
        """Close up and make room in one go: every stretch between two edits moves at most once."""
        cdef Py_ssize_t n, shift = 0
        cdef Edit* edit
        cdef Change* change
        # Downwards the lowest first, upwards the highest first: none lands on one that has yet to
        # go.
        for n in range(count - 1, -1, -1):
            edit = &self.edits[n]
            shift += 1 if edit.added != NULL else -1
            edit.shift = shift
            if shift < 0:
                self._shift(side, n)
        for n in range(count):
            edit = &self.edits[n]
            if edit.shift > 0:
                self._shift(side, n)
            change = edit.added
            if change != NULL:
                side.keys[edit.place + edit.shift - 1] = change.key
                side.levels[edit.place + edit.shift - 1].size = change.size
                side.levels[edit.place + edit.shift - 1].meta = change.meta
        side.count += shift

    cdef inline void _shift(self, Side* side, Py_ssize_t n) noexcept nogil:
        """Move the levels between edit ``n`` and the one above it."""
        cdef Edit* edit = &self.edits[n]
        cdef Py_ssize_t start = edit.place + (edit.added == NULL)
        cdef Py_ssize_t count = (self.edits[n - 1].place if n else side.count) - start
        cdef Py_ssize_t to = start + edit.shift
        if count > 0:
            memmove(side.keys + to, side.keys + start, count * sizeof(int64_t))
            memmove(side.levels + to, side.levels + start, count * sizeof(Level))

    cdef int _grow(self, Side* side, Py_ssize_t needed) except -1:
        cdef Py_ssize_t room = max(256, needed + needed // 2)
        keys = <int64_t*>PyMem_Realloc(side.keys, room * sizeof(int64_t))
        if keys == NULL:
            raise MemoryError
        side.keys = keys
        levels = <Level*>PyMem_Realloc(side.levels, room * sizeof(Level))
        if levels == NULL:
            raise MemoryError
        side.levels = levels
        side.room = room
        return 0

    cdef int _grow_edits(self, Py_ssize_t needed) except -1:
        edits = <Edit*>PyMem_Realloc(self.edits, needed * sizeof(Edit))
        if edits == NULL:
            raise MemoryError
        self.edits = edits
        self.edits_room = needed
        return 0

    # Reading

    @property
    def counts(self):
        return self.sides[0].count, self.sides[1].count

    def levels(self, int side, n=None):
        cdef Side* s = &self.sides[side]
        cdef Py_ssize_t i
        cdef list out = []
        for i in range(s.count - 1, s.count - 1 - self._wanted(s, n), -1):
            out.append(self._level(s, i))
        return out

    def texts(self, int side, n=None):
        cdef Side* s = &self.sides[side]
        cdef Py_ssize_t i
        cdef Level* level
        cdef list out = []
        for i in range(s.count - 1, s.count - 1 - self._wanted(s, n), -1):
            level = &s.levels[i]
            out.append(
                (
                    text_of(
                        self._price(s, i), level.meta.price_decimals, level.meta.price_zeros
                    ),
                    text_of(level.size, level.meta.size_decimals, level.meta.size_zeros),
                )
            )
        return out

    def best(self, int side):
        cdef Side* s = &self.sides[side]
        return self._level(s, s.count - 1) if s.count else None

    def gap(self):
        if not (self.sides[0].count and self.sides[1].count):
            return None
        return self._gap(), self.scale

    @property
    def is_crossed(self):
        return self._is_crossed()

    cdef bint _is_crossed(self) noexcept:
        return self.sides[0].count > 0 and self.sides[1].count > 0 and self._gap() <= 0

    cdef int64_t _gap(self) noexcept:
        return (
            -self.sides[1].keys[self.sides[1].count - 1]
            - self.sides[0].keys[self.sides[0].count - 1]
        )

    cdef Py_ssize_t _wanted(self, Side* side, n) except -1:
        cdef Py_ssize_t wanted = side.count if n is None else n
        if wanted < 0:
            raise ValueError(f"{n} levels: ask for none or more")
        return min(wanted, side.count)

    cdef inline int64_t _price(self, Side* side, Py_ssize_t i) noexcept:
        """The digits of the price as sent."""
        cdef int decimals = side.levels[i].meta.price_decimals
        cdef int64_t key = side.keys[i] * side.sign
        if decimals < self.scale:
            return key // TEN[self.scale - decimals]
        return key * TEN[decimals - self.scale]

    cdef inline tuple _level(self, Side* side, Py_ssize_t i):
        return (
            double_of(side.keys[i] * side.sign, self.scale),
            double_of(side.levels[i].size, side.levels[i].meta.size_decimals),
        )
