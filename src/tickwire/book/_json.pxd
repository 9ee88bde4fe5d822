"""Reading JSON in place: numbers to digits, and over everything else. Strict, and without an
object.

Every function takes where to begin and where the text ends, and gives what comes after what it
read, or NULL where the text is not that. Numbers are exact: 18 digits and 18 decimals at the
most.
"""

from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcmp

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>

    /* Eight ASCII digits at once; the first one is the highest. Needs a little-endian machine. */
    #if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    static inline int tw_eight(const uint8_t *p, uint64_t *out) { (void)p; (void)out; return 0; }
    #else
    static inline int tw_eight(const uint8_t *p, uint64_t *out) {
        uint64_t w;
        memcpy(&w, p, 8);
        if ((w & (w + 0x0606060606060606ULL) & 0xF0F0F0F0F0F0F0F0ULL)
            != 0x3030303030303030ULL) return 0;
        w -= 0x3030303030303030ULL;
        w = w * 10 + (w >> 8);
        w = (((w & 0x000000FF000000FFULL) * 0x000F424000000064ULL)
           + (((w >> 16) & 0x000000FF000000FFULL) * 0x0000271000000001ULL)) >> 32;
        *out = w;
        return 1;
    }
    #endif
    """
    bint tw_eight(const uint8_t* p, uint64_t* out) noexcept nogil

cdef enum:
    MAX_DIGITS = 18
    MAX_TEXT = 64
    MAX_NESTING = 64

ctypedef struct Number:
    int64_t digits
    uint8_t decimals
    uint8_t zeros


cdef inline bint is_digit(uint8_t c) noexcept nogil:
    return <uint8_t>(c - 48) < 10


cdef inline bint is_blank(uint8_t c) noexcept nogil:
    return c == 32 or c == 10 or c == 13 or c == 9


cdef inline const uint8_t* blanks(const uint8_t* p, const uint8_t* end) noexcept nogil:
    while p < end and is_blank(p[0]):
        p += 1
    return p


cdef inline const uint8_t* number_text(const uint8_t* p, const uint8_t* end) noexcept nogil:
    """The end of the JSON number at ``p``, or NULL where there is none."""
    if p < end and p[0] == c"-":
        p += 1
    if p == end or not is_digit(p[0]):
        return NULL
    if p[0] == c"0":
        p += 1
    else:
        while p < end and is_digit(p[0]):
            p += 1
    if p < end and p[0] == c".":
        p += 1
        if p == end or not is_digit(p[0]):
            return NULL
        while p < end and is_digit(p[0]):
            p += 1
    if p < end and (p[0] == c"e" or p[0] == c"E"):
        p += 1
        if p < end and (p[0] == c"+" or p[0] == c"-"):
            p += 1
        if p == end or not is_digit(p[0]):
            return NULL
        while p < end and is_digit(p[0]):
            p += 1
    return p


cdef inline const uint8_t* long_number(
    const uint8_t* p, const uint8_t* end, Number* out
) noexcept nogil:
    """Any JSON number that fits, once trailing zeros behind the point are set apart."""
    cdef inline const uint8_t* stop = number_text(p, end)
    cdef uint8_t[MAX_TEXT] digits
    cdef int count = 0, decimals = 0, exponent = 0, zeros = 0
    cdef bint negative = False, behind = False, negative_exponent = False
    cdef int64_t value = 0
    cdef int i
    if stop == NULL or stop - p > MAX_TEXT:
        return NULL
    if p[0] == c"-":
        negative = True
        p += 1
    while p < stop and (is_digit(p[0]) or p[0] == c"."):
        if p[0] == c".":
            behind = True
        else:
            if count or p[0] != c"0":
                digits[count] = p[0] - 48
                count += 1
            if behind:
                decimals += 1
        p += 1
    if p < stop:
        p += 1
        if p[0] == c"+" or p[0] == c"-":
            negative_exponent = p[0] == c"-"
            p += 1
        while p < stop:
            exponent = exponent * 10 + (p[0] - 48)
            if exponent > 999:
                return NULL
            p += 1
        decimals += exponent if negative_exponent else -exponent
    if count == 0 and decimals < 0:
        decimals = 0
    while decimals < 0:
        if count >= MAX_DIGITS:
            return NULL
        digits[count] = 0
        count += 1
        decimals += 1
    while count > MAX_DIGITS or decimals > MAX_DIGITS:
        if decimals == 0 or (count and digits[count - 1]):
            return NULL
        if count:
            count -= 1
        decimals -= 1
        zeros += 1
    if zeros > 255:
        return NULL
    for i in range(count):
        value = value * 10 + digits[i]
    out.digits = -value if negative else value
    out.decimals = <uint8_t>decimals
    out.zeros = <uint8_t>zeros
    return stop


cdef inline const uint8_t* number(const uint8_t* p, const uint8_t* end, Number* out) noexcept nogil:
    """Read the number at ``p``; gives what comes after it, or NULL. The common forms, fast."""
    cdef inline const uint8_t* start = p
    cdef inline const uint8_t* point = NULL
    cdef uint64_t value = 0, eight
    cdef Py_ssize_t digits
    if p == end:
        return NULL
    if p[0] == c"0":
        p += 1
    else:
        while p < end and is_digit(p[0]):
            value = value * 10 + (p[0] - 48)
            p += 1
        if p == start:
            return long_number(start, end, out)
    digits = p - start
    if p < end and p[0] == c".":
        p += 1
        point = p
        if end - p >= 8 and tw_eight(p, &eight):
            value = value * 100000000 + eight
            p += 8
        while p < end and is_digit(p[0]):
            value = value * 10 + (p[0] - 48)
            p += 1
        if p == point:
            return NULL
        digits += p - point
    # More digits than fit have overflowed harmlessly; what follows a number tells an exponent.
    if digits > MAX_DIGITS or (p < end and (p[0] | 32) == c"e"):
        return long_number(start, end, out)
    out.digits = <int64_t>value
    out.decimals = <uint8_t>(p - point) if point != NULL else 0
    out.zeros = 0
    return p


cdef inline const uint8_t* quoted(const uint8_t* p, const uint8_t* end, Number* out) noexcept nogil:
    """A number, in quotes or bare."""
    if p < end and p[0] == c'"':
        p = number(p + 1, end, out)
        if p == NULL or p == end or p[0] != c'"':
            return NULL
        return p + 1
    return number(p, end, out)


cdef inline const uint8_t* string_end(const uint8_t* p, const uint8_t* end) noexcept nogil:
    """What comes after the string whose first character is at ``p``, or NULL."""
    cdef int i
    while p < end:
        if p[0] == c'"':
            return p + 1
        if p[0] < 32:
            return NULL
        if p[0] == c"\\":
            p += 1
            if p == end:
                return NULL
            if p[0] == c"u":
                for i in range(4):
                    p += 1
                    if p == end or not (is_digit(p[0]) or 97 <= (p[0] | 32) <= 102):
                        return NULL
            elif not (
                p[0] == c'"' or p[0] == c"\\" or p[0] == c"/" or p[0] == c"b" or p[0] == c"f"
                or p[0] == c"n" or p[0] == c"r" or p[0] == c"t"
            ):
                return NULL
        p += 1
    return NULL


cdef inline const uint8_t* scalar_end(const uint8_t* p, const uint8_t* end) noexcept nogil:
    if p == end:
        return NULL
    if p[0] == c'"':
        return string_end(p + 1, end)
    if end - p >= 4 and (memcmp(p, b"true", 4) == 0 or memcmp(p, b"null", 4) == 0):
        return p + 4
    if end - p >= 5 and memcmp(p, b"false", 5) == 0:
        return p + 5
    return number_text(p, end)


cdef inline const uint8_t* key_end(const uint8_t* p, const uint8_t* end) noexcept nogil:
    """What comes after a key and its colon, or NULL."""
    if p == end or p[0] != c'"':
        return NULL
    p = string_end(p + 1, end)
    if p == NULL:
        return NULL
    p = blanks(p, end)
    if p == end or p[0] != c":":
        return NULL
    return p + 1


cdef inline const uint8_t* value_end(const uint8_t* p, const uint8_t* end) noexcept nogil:
    """What comes after the JSON value at ``p``, or NULL where it is none."""
    cdef uint8_t[MAX_NESTING] closers
    cdef int depth = 0
    cdef bint is_key
    while True:
        # A value begins at p.
        p = blanks(p, end)
        if p == end:
            return NULL
        if p[0] == c"{" or p[0] == c"[":
            if depth == MAX_NESTING:
                return NULL
            closers[depth] = p[0] + 2
            depth += 1
            p = blanks(p + 1, end)
            if p == end:
                return NULL
            if p[0] != closers[depth - 1]:
                if closers[depth - 1] == c"}":
                    p = key_end(p, end)
                    if p == NULL:
                        return NULL
                continue
            p += 1
            depth -= 1
        else:
            p = scalar_end(p, end)
            if p == NULL:
                return NULL
        # A value has ended at p.
        while depth:
            p = blanks(p, end)
            if p == end:
                return NULL
            if p[0] == closers[depth - 1]:
                depth -= 1
                p += 1
                continue
            if p[0] != c",":
                return NULL
            p += 1
            if closers[depth - 1] == c"}":
                p = key_end(blanks(p, end), end)
                if p == NULL:
                    return NULL
            break
        else:
            return p
