# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""A book as Kraken's checksum sees it, compiled: of floats, whose digits fit a machine's integer.
The words and the reference are `kraken/checksum.py`; same results.

A side is an array with the best level last, where most changes are, and every level keeps its text.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from libc.math cimport rint
from libc.stdint cimport int64_t
from libc.string cimport memcpy, memmove

from zlib import crc32

cdef enum:
    TOP = 10
    TEXT = 32  # two numbers of at most fifteen digits
    FIRST_ROOM = 32

cdef double EXACT_BELOW = 1e15


class InexactNumberError(ArithmeticError):
    """A float may not have the digits that were sent. Retry: with decimals."""


cdef struct Row:
    int64_t price
    int64_t size
    int length
    char text[TEXT]

cdef struct Side:
    Row* rows
    Py_ssize_t count
    Py_ssize_t room
    int sign


cdef inline char* write_digits(char* at, int64_t value) noexcept:
    cdef char digits[20]
    cdef int n = 0
    while True:
        digits[n] = <char>(c"0" + value % 10)
        n += 1
        value //= 10
        if not value:
            break
    while n:
        n -= 1
        at[0] = digits[n]
        at += 1
    return at


cdef inline void write_text(Row* row) noexcept:
    row.length = <int>(write_digits(write_digits(row.text, row.price), row.size) - row.text)


cdef int change(Side* side, int64_t price, int64_t size) except -1:
    cdef Py_ssize_t low = 0
    cdef Py_ssize_t high = side.count
    cdef Py_ssize_t middle
    cdef Row* row
    while low < high:
        middle = (low + high) // 2
        # From the worst to the best.
        if side.rows[middle].price * side.sign > price * side.sign:
            low = middle + 1
        else:
            high = middle
    row = side.rows + low
    if low < side.count and row.price == price:
        if size:
            row.size = size
            write_text(row)
        else:
            memmove(row, row + 1, (side.count - low - 1) * sizeof(Row))
            side.count -= 1
        return 0
    if not size:
        return 0
    if side.count == side.room:
        row = <Row*>PyMem_Realloc(side.rows, (side.room * 2 + FIRST_ROOM) * sizeof(Row))
        if row == NULL:
            raise MemoryError
        side.rows = row
        side.room = side.room * 2 + FIRST_ROOM
        row = side.rows + low
    memmove(row + 1, row, (side.count - low) * sizeof(Row))
    side.count += 1
    row.price, row.size = price, size
    write_text(row)
    return 0


cdef inline char* write_top(char* at, Side* side) noexcept:
    cdef Py_ssize_t n
    cdef Row* row
    for n in range(min(side.count, <Py_ssize_t>TOP)):
        row = side.rows + side.count - 1 - n
        memcpy(at, row.text, row.length)
        at += row.length
    return at


cdef class FloatBook:
    """See :class:`tickwire.exchanges.kraken.checksum.ScaledBook`."""

    cdef readonly tuple precisions
    cdef readonly Py_ssize_t depth
    cdef double price_scale
    cdef double size_scale
    cdef Side bids
    cdef Side asks

    def __init__(self, tuple precisions, Py_ssize_t depth):
        self.precisions = precisions
        self.depth = depth
        self.price_scale = 10.0 ** <int>precisions[0]
        self.size_scale = 10.0 ** <int>precisions[1]
        self.bids.sign = -1
        self.asks.sign = 1

    def __dealloc__(self):
        PyMem_Free(self.bids.rows)
        PyMem_Free(self.asks.rows)

    def replace(self, list bids not None, list asks not None):
        self._check(bids)
        self._check(asks)
        self.bids.count = self.asks.count = 0
        return self._apply(bids, asks)

    def apply(self, list bids not None, list asks not None):
        self._check(bids)
        self._check(asks)
        return self._apply(bids, asks)

    def levels(self):
        """Bids and asks as they are kept, in steps and lots."""
        found = []
        for n in range(self.bids.count):
            found.append((self.bids.rows[n].price, self.bids.rows[n].size))
        others = []
        for n in range(self.asks.count):
            others.append((self.asks.rows[n].price, self.asks.rows[n].size))
        return found, others

    cdef int _check(self, list levels) except -1:
        cdef double steps
        cdef double lots
        for price, size in levels:
            if type(price) is not float or type(size) is not float:
                raise InexactNumberError
            steps = rint(<double>price * self.price_scale)
            lots = rint(<double>size * self.size_scale)
            if not (0 <= steps < EXACT_BELOW and 0 <= lots < EXACT_BELOW):
                raise InexactNumberError
        return 0

    cdef object _apply(self, list bids, list asks):
        self._take(&self.bids, bids)
        self._take(&self.asks, asks)
        return self._checksum()

    cdef int _take(self, Side* side, list levels) except -1:
        cdef Py_ssize_t excess
        for price, size in levels:
            change(
                side,
                <int64_t>rint(<double>price * self.price_scale),
                <int64_t>rint(<double>size * self.size_scale),
            )
        excess = side.count - self.depth
        if excess > 0:
            memmove(side.rows, side.rows + excess, self.depth * sizeof(Row))
            side.count = self.depth
        return 0

    cdef object _checksum(self):
        cdef char text[2 * TOP * TEXT]
        cdef char* at = write_top(write_top(text, &self.asks), &self.bids)
        return crc32(PyBytes_FromStringAndSize(text, at - text))
