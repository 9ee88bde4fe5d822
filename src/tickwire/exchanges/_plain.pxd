# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Plain JSON values in bytes: what the intake's shapes are read with.

Each reader stands on a value and returns 1 past it; 0 for what is not plain, wherever it is then.
It may look no further than a byte past the last one it understood: a `bytes` object ends with a NUL
that belongs to no value, so no reader runs over the end.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from libc.math cimport isfinite
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memchr, memcmp, memcpy

cdef extern from "Python.h":
    double PyOS_string_to_double(const char*, char**, PyObject*) except? -1.0

cdef extern from *:
    """
    static const double TICKWIRE_POWERS_OF_TEN[] = {
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
    """
    const double* POWERS_OF_TEN "TICKWIRE_POWERS_OF_TEN"

cdef enum:
    DEEPEST = 16
    EXACT_DIGITS = 19
    INT_DIGITS = 18
    LONGEST_NUMBER = 60
    EXACT_UP_TO = 9007199254740992  # 2**53

cdef struct Cursor:
    const char* p
    const char* end


cdef inline bint is_digit(char c) noexcept:
    return c >= c"0" and c <= c"9"


cdef inline int skip_text(Cursor* c) noexcept:
    """Past a plain text; its content is from the old `p + 1` to the new `p - 1`."""
    cdef const unsigned char* p = <const unsigned char*>c.p
    if p[0] != c'"':
        return 0
    p += 1
    while p[0] != c'"':
        if p[0] < 32 or p[0] > 126 or p[0] == c"\\":
            return 0
        p += 1
    c.p = <const char*>p + 1
    return 1


cdef inline int read_float(Cursor* c, double* out, bint is_lax) except -1:
    cdef const char* p = c.p
    cdef const char* first
    cdef const char* mark
    cdef char* stop
    cdef uint64_t digits = 0
    cdef Py_ssize_t whole
    cdef Py_ssize_t fraction = 0
    cdef bint is_quoted = p[0] == c'"'
    cdef bint is_negative
    cdef bint is_short = True
    if is_quoted:
        if not is_lax:
            return 0
        p += 1
    first = p
    is_negative = p[0] == c"-"
    if is_negative:
        p += 1
    mark = p
    while is_digit(p[0]):
        digits = digits * 10 + <uint64_t>(p[0] - c"0")
        p += 1
    whole = p - mark
    if whole == 0 or (whole > 1 and mark[0] == c"0"):
        return 0
    if p[0] == c".":
        p += 1
        mark = p
        while is_digit(p[0]):
            digits = digits * 10 + <uint64_t>(p[0] - c"0")
            p += 1
        fraction = p - mark
        if fraction == 0:
            return 0
    if p[0] == c"e" or p[0] == c"E":
        is_short = False
        p += 1
        if p[0] == c"+" or p[0] == c"-":
            p += 1
        if not is_digit(p[0]):
            return 0
        while is_digit(p[0]):
            p += 1
    if is_short and whole + fraction <= EXACT_DIGITS and digits <= EXACT_UP_TO:
        # Both are exact, so their quotient is the nearest double.
        out[0] = <double>digits / POWERS_OF_TEN[fraction]
        if is_negative:
            if not digits:
                return 0
            out[0] = -out[0]
    else:
        if p - first > LONGEST_NUMBER:
            return 0
        out[0] = PyOS_string_to_double(first, &stop, NULL)
        if stop != p or not isfinite(out[0]) or (is_negative and out[0] == 0.0):
            return 0
    if is_quoted:
        if p[0] != c'"':
            return 0
        p += 1
    c.p = p
    return 1


cdef inline int read_int(Cursor* c, long long* out, bint is_lax) noexcept:
    cdef const char* p = c.p
    cdef const char* first
    cdef long long value = 0
    cdef bint is_quoted = p[0] == c'"'
    if is_quoted:
        if not is_lax:
            return 0
        p += 1
    first = p
    while is_digit(p[0]):
        value = value * 10 + (p[0] - c"0")
        p += 1
        if p - first > INT_DIGITS:
            return 0
    if p == first or (first[0] == c"0" and p - first > 1):
        return 0
    if is_quoted:
        if p[0] != c'"':
            return 0
        p += 1
    elif p[0] == c"." or p[0] == c"e" or p[0] == c"E":
        return 0
    c.p = p
    out[0] = value
    return 1


cdef inline int skip_word(Cursor* c, const char* word, Py_ssize_t size) noexcept:
    if c.end - c.p < size or memcmp(c.p, word, size):
        return 0
    c.p += size
    return 1


cdef inline int skip_value(Cursor* c, int depth) except -1:
    cdef double number
    cdef char close
    cdef char first = c.p[0]
    if first == c'"':
        return skip_text(c)
    if first == c"t":
        return skip_word(c, b"true", 4)
    if first == c"f":
        return skip_word(c, b"false", 5)
    if first == c"n":
        return skip_word(c, b"null", 4)
    if first != c"[" and first != c"{":
        return read_float(c, &number, False)
    if depth == DEEPEST:
        return 0
    close = c"]" if first == c"[" else c"}"
    c.p += 1
    if c.p[0] == close:
        c.p += 1
        return 1
    while True:
        if first == c"{":
            if not skip_text(c) or c.p[0] != c":":
                return 0
            c.p += 1
        if not skip_value(c, depth + 1):
            return 0
        if c.p[0] == close:
            c.p += 1
            return 1
        if c.p[0] != c",":
            return 0
        c.p += 1


cdef inline int skip_member(Cursor* c) except -1:
    """Past a key and its value."""
    if not skip_text(c) or c.p[0] != c":":
        return 0
    c.p += 1
    return skip_value(c, 0)


cdef inline uint32_t hash_of(const char* p, Py_ssize_t n) noexcept:
    """Eight bytes at a time: the beginnings of frames are 20 to 80 bytes long."""
    cdef uint64_t value = 14695981039346656037U
    cdef uint64_t word
    while n >= 8:
        memcpy(&word, p, 8)
        value = (value ^ word) * 1099511628211U
        value ^= value >> 29
        p += 8
        n -= 8
    word = 0
    memcpy(&word, p, n)
    value = (value ^ word) * 1099511628211U
    return <uint32_t>(value ^ (value >> 32))


cdef inline Py_ssize_t place_of(bytes text, bytes wanted, Py_ssize_t begin) noexcept:
    """Where `wanted` stands, from `begin` on; or -1."""
    cdef const char* p = PyBytes_AS_STRING(text)
    cdef const char* end = p + PyBytes_GET_SIZE(text)
    cdef const char* at = p + begin
    cdef Py_ssize_t size = PyBytes_GET_SIZE(wanted)
    while end - at >= size:
        at = <const char*>memchr(at, PyBytes_AS_STRING(wanted)[0], end - at - size + 1)
        if at == NULL:
            return -1
        if not memcmp(at, PyBytes_AS_STRING(wanted), size):
            return at - p
        at += 1
    return -1
