# cython: language_level=3, boundscheck=False, wraparound=False
"""The intake of enveloped frames, compiled. The twin, `_lanes_py.py`, has the words; same results.

What is saved here is Python's cost of slicing, looking up and storing, which for a trade is as
much as its decoding: a stream's name is hashed where it stands in the frame, and no object is
made of it.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport uint32_t
from libc.string cimport memchr, memcmp

import msgspec

from tickwire.market import Link

cdef object JOINED = Link.JOINED
cdef tuple UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
cdef bytes HEAD = b'{"stream":"'
cdef bytes MIDDLE = b'","data":'

cdef enum:
    HEAD_SIZE = 11
    MIDDLE_SIZE = 9
    FIRST_SLOTS = 64


cdef inline uint32_t hash_of(const char* p, Py_ssize_t n) noexcept nogil:
    cdef uint32_t value = 2166136261
    cdef Py_ssize_t i
    for i in range(n):
        value = (value ^ <unsigned char>p[i]) * 16777619
    return value


cdef class Lane:
    """One stream's way to its events. See the twin."""

    cdef public object decode
    cdef public str symbol
    cdef public bint is_array
    cdef public bint is_wrapped
    cdef public object chain
    cdef public long unlooked
    cdef public Py_ssize_t longest
    cdef public long extra_events


cdef class Lanes:
    """All lanes of a connection, by stream name. See the twin."""

    cdef object look
    cdef object unjoined
    cdef object general
    # Open addressing over these: a slot has an index into the two lists, or -1.
    cdef list names
    cdef list lanes
    cdef int* slots
    cdef uint32_t mask

    def __cinit__(self):
        self.slots = NULL

    def __init__(self, *, look, unjoined, general):
        self.look = look
        self.unjoined = unjoined
        self.general = general
        self.names = []
        self.lanes = []
        self._resize(FIRST_SLOTS)

    def __dealloc__(self):
        PyMem_Free(self.slots)

    def add(self, str name, Lane lane not None):
        cdef bytes key = name.encode()
        cdef int found = self._find(PyBytes_AS_STRING(key), PyBytes_GET_SIZE(key))
        if found >= 0:
            self.lanes[found] = lane
            return
        self.names.append(key)
        self.lanes.append(lane)
        if len(self.names) * 2 > <Py_ssize_t>self.mask + 1:
            self._resize((self.mask + 1) * 2)
        else:
            self._put(<int>len(self.names) - 1)

    cdef int _resize(self, uint32_t size) except -1:
        cdef uint32_t i
        cdef int n
        cdef int* slots = <int*>PyMem_Malloc(size * sizeof(int))
        if slots == NULL:
            raise MemoryError
        for i in range(size):
            slots[i] = -1
        PyMem_Free(self.slots)
        self.slots = slots
        self.mask = size - 1
        for n in range(<int>len(self.names)):
            self._put(n)
        return 0

    cdef void _put(self, int n):
        cdef bytes key = <bytes>self.names[n]
        cdef uint32_t at = hash_of(PyBytes_AS_STRING(key), PyBytes_GET_SIZE(key)) & self.mask
        while self.slots[at] >= 0:
            at = (at + 1) & self.mask
        self.slots[at] = n

    cdef inline int _find(self, const char* name, Py_ssize_t size):
        cdef uint32_t at = hash_of(name, size) & self.mask
        cdef int n = self.slots[at]
        cdef bytes key
        while n >= 0:
            key = <bytes>self.names[n]
            if PyBytes_GET_SIZE(key) == size and memcmp(PyBytes_AS_STRING(key), name, size) == 0:
                return n
            at = (at + 1) & self.mask
            n = self.slots[at]
        return -1

    def receive(self, bytes frame not None, recv_ns, list events not None):
        self._receive(frame, recv_ns, events)

    def receive_many(self, frames, recv_ns, list events not None):
        for frame in frames:
            self._receive(<bytes?>frame, recv_ns, events)

    cdef int _receive(self, bytes frame, object recv_ns, list events) except -1:
        cdef const char* start = PyBytes_AS_STRING(frame)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(frame)
        cdef const char* quote
        cdef Py_ssize_t payload
        cdef int n
        cdef Lane lane
        if size <= HEAD_SIZE + MIDDLE_SIZE or start[size - 1] != c"}" or memcmp(
            start, PyBytes_AS_STRING(HEAD), HEAD_SIZE
        ):
            self.general(frame, recv_ns, events)
            return 0
        quote = <const char*>memchr(start + HEAD_SIZE, c'"', size - HEAD_SIZE - MIDDLE_SIZE)
        if quote == NULL or memcmp(quote, PyBytes_AS_STRING(MIDDLE), MIDDLE_SIZE):
            self.general(frame, recv_ns, events)
            return 0
        n = self._find(start + HEAD_SIZE, quote - start - HEAD_SIZE)
        if n < 0:
            self.general(frame, recv_ns, events)
            return 0
        lane = <Lane>self.lanes[n]
        payload = quote - start + MIDDLE_SIZE
        data = PyBytes_FromStringAndSize(start + payload, size - 1 - payload)
        try:
            event = lane.decode(data)
        except UNDECODABLE:
            self.general(frame, recv_ns, events)
            return 0
        return self._deliver(lane, data, event, recv_ns, events)

    def deliver(self, Lane lane not None, bytes payload, decoded, recv_ns, list events not None):
        self._deliver(lane, payload, decoded, recv_ns, events)

    cdef int _deliver(
        self, Lane lane, bytes payload, object event, object recv_ns, list events
    ) except -1:
        if lane.unlooked and PyBytes_GET_SIZE(payload) <= lane.longest:
            lane.unlooked -= 1
        else:
            self.look(lane, payload, recv_ns)
        if lane.is_array:
            lane.extra_events += len(event) - 1
            for one in event:
                one.ts_recv_ns = recv_ns
            events += event
            return 0
        if lane.is_wrapped:
            event = event.unwrap()
        event.ts_recv_ns = recv_ns
        if lane.symbol:
            event.symbol = lane.symbol
        if lane.chain is not None:
            self._chain(lane.chain, lane, event, events)
        events.append(event)
        return 0

    cdef int _chain(self, object chain, Lane lane, object event, list events) except -1:
        last = chain.last
        final = event.sequence
        # The plain successor, without a call into Python.
        if (
            last is not None
            and final > last
            and getattr(event, chain.link_field) == last + chain.link_step
        ):
            chain.last = final
            return 0
        link = chain.advance(event.first_sequence, final, event.prev_sequence)
        if link is not JOINED:
            self.unjoined(lane, event, last, link, events)
        return 0
