# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Rows of levels in bytes: a list, by places, or an object, by keys."""

from libc.string cimport memcmp

from tickwire.exchanges._plain cimport (
    Cursor,
    read_float,
    skip_member,
    skip_text,
    skip_value,
    skip_word,
)

cdef enum:
    ROW_KEYS = 4

cdef struct RowPlan:
    # Of price, size and word: in a list, or -1.
    int places[3]
    # Of price, size, word and time: in an object, with quotes and colon, or of no length.
    const char* names[ROW_KEYS]
    Py_ssize_t name_sizes[ROW_KEYS]
    bint is_open
    bint is_lax

cdef struct RowFound:
    double price
    double size
    const char* word
    Py_ssize_t word_size
    const char* time
    Py_ssize_t time_size


cdef inline int read_part(RowPlan* plan, Cursor* c, RowFound* row, int part) except -1:
    """Price, size, word or time."""
    cdef const char* begin = c.p + 1
    if part == 0:
        return read_float(c, &row.price, plan.is_lax)
    if part == 1:
        return read_float(c, &row.size, plan.is_lax)
    if not skip_text(c):
        return 0
    if part == 2:
        row.word, row.word_size = begin, c.p - begin - 1
    else:
        row.time, row.time_size = begin, c.p - begin - 1
    return 1


cdef inline int read_list(RowPlan* plan, Cursor* c, RowFound* row) except -1:
    cdef int place = 0
    cdef int part
    if c.p[0] != c"[":
        return 0
    while True:
        c.p += 1
        for part in range(3):
            if plan.places[part] == place:
                if not read_part(plan, c, row, part):
                    return 0
                break
        else:
            if not plan.is_open or not skip_value(c, 0):
                return 0
        place += 1
        if c.p[0] == c"]":
            c.p += 1
            return place > plan.places[1]
        if c.p[0] != c",":
            return 0


cdef inline int read_object(RowPlan* plan, Cursor* c, RowFound* row) except -1:
    cdef int seen = 0
    cdef int need = 0
    cdef int part
    for part in range(ROW_KEYS):
        need |= (plan.name_sizes[part] > 0) << part
    if c.p[0] != c"{":
        return 0
    while True:
        c.p += 1
        for part in range(ROW_KEYS):
            if plan.name_sizes[part] and skip_word(c, plan.names[part], plan.name_sizes[part]):
                if seen & (1 << part):
                    return 0
                seen |= 1 << part
                if not read_part(plan, c, row, part):
                    return 0
                break
        else:
            if not skip_member(c):
                return 0
        if c.p[0] == c"}":
            c.p += 1
            return seen == need
        if c.p[0] != c",":
            return 0


cdef inline int read_row(RowPlan* plan, Cursor* c, RowFound* row) except -1:
    row.word_size = row.time_size = 0
    if plan.places[0] < 0:
        return read_object(plan, c, row)
    return read_list(plan, c, row)


cdef inline bint is_word(RowFound* row, const char* word, Py_ssize_t size) noexcept:
    return size > 0 and row.word_size == size and not memcmp(row.word, word, size)
