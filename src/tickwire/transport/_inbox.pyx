# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The receive queue, compiled: a ring of messages with their arrival times, bounded, with a policy.

The bound is on messages and on bytes; a message costs its payload and 64 bytes of bookkeeping. With
`block` the queue takes what it is given: `is_full` tells the reader when the read-ahead beyond the
bound is used up, `has_room` when half of the bound is free again. With the other policies the bound
is kept here. What is lost is counted in `dropped` and noted on the message that follows the hole.

The twin is _inbox_py.py.
"""

cimport cython
from cpython.bytes cimport PyBytes_GET_SIZE
from cpython.list cimport PyList_Append
from cpython.ref cimport Py_DECREF, Py_INCREF, PyObject
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc

cdef enum:
    BLOCK = 0
    FAIL = 1
    DROP_OLDEST = 2
    DROP_NEWEST = 3
    CONFLATE = 4
    FIRST_CAP = 32
    KEEP_CAP = 1024


@cython.final
cdef class Inbox:
    """See the module's text.

    Args:
        limit: Messages.
        limit_bytes, read_ahead: Bytes.
        policy: An OverflowCode.
        key: The key function of `conflate`, else None.
    """

    def __cinit__(
        self, Py_ssize_t limit, Py_ssize_t limit_bytes, Py_ssize_t read_ahead, int policy, key
    ):
        self.limit = limit
        self.limit_bytes = limit_bytes
        self.read_ahead = read_ahead
        self.full_at = -1
        self.policy = policy
        self.key = key

    def __dealloc__(self):
        cdef Py_ssize_t i
        for i in range(self.count):
            Py_DECREF(<object>self.ring[(self.head + i) & (self.cap - 1)].payload)
        free(self.ring)

    def __len__(self):
        return self.count

    cdef Py_ssize_t _cost(self, Slot* slot) noexcept:
        return PyBytes_GET_SIZE(<object>slot.payload) + MESSAGE_OVERHEAD

    cdef bint at_limit(self) noexcept:
        """Whether the queue holds as much as it should."""
        return self.count >= self.limit or self.used >= self.limit_bytes

    cdef bint is_full(self) noexcept:
        """Whether the reader must stop: at the limit, with the read-ahead used up. `block` only."""
        return self.full_at >= 0 and self.used - self.full_at >= self.read_ahead

    cdef bint has_room(self) noexcept:
        """Whether a stopped reader may go on: half of the bound is free."""
        return self.count * 2 <= self.limit and self.used * 2 <= self.limit_bytes

    cdef int _push(self, bytes payload, int opcode, int64_t wall, int64_t mono) except -1:
        """`push` where the ring must grow, or the bound is near."""
        if self.policy != BLOCK and self.at_limit():
            return self._overflow(payload, opcode, wall, mono)
        self._append(payload, opcode, wall, mono)
        if self.policy == BLOCK and self.full_at < 0 and self.at_limit():
            self.full_at = self.used
        return 0

    cdef int _append(self, bytes payload, int opcode, int64_t wall, int64_t mono) except -1:
        cdef Slot* slot
        if self.count == self.cap:
            self._grow()
        slot = &self.ring[(self.head + self.count) & (self.cap - 1)]
        Py_INCREF(payload)
        slot.payload = <PyObject*>payload
        slot.wall = wall
        slot.mono = mono
        slot.opcode = opcode
        slot.lost = self.pending_lost
        self.pending_lost = 0
        self.count += 1
        self.used += PyBytes_GET_SIZE(payload) + MESSAGE_OVERHEAD
        return 0

    cdef int _overflow(self, bytes payload, int opcode, int64_t wall, int64_t mono) except -1:
        cdef Slot* slot
        cdef object key = None
        cdef object at
        if self.policy == FAIL:
            return 1
        self.dropped += 1
        if self.policy == DROP_NEWEST:
            self.pending_lost += 1
            return 0
        if self.policy == CONFLATE:
            if self.index is None or len(self.index) > 4 * self.limit:
                self._build_index()
            key = self.key(payload)
            at = self.index.get(key)
            if at is not None and at >= self.popped:
                slot = &self.ring[(self.head + <Py_ssize_t>(at - self.popped)) & (self.cap - 1)]
                self.used += PyBytes_GET_SIZE(payload) + MESSAGE_OVERHEAD - self._cost(slot)
                Py_DECREF(<object>slot.payload)
                Py_INCREF(payload)
                slot.payload = <PyObject*>payload
                slot.wall = wall
                slot.mono = mono
                slot.opcode = opcode
                slot.lost += 1
                while self.count > 1 and self.used > self.limit_bytes:
                    self.dropped += 1
                    self._drop_oldest()
                self._forget_index()
                return 0
        self._drop_oldest()
        while self.count and self.at_limit():
            self.dropped += 1
            self._drop_oldest()
        if self.policy == CONFLATE:
            self.index[key] = self.popped + self.count
        self._append(payload, opcode, wall, mono)
        self._forget_index()
        return 0

    cdef int _forget_index(self) except -1:
        """The index is kept only while every message passes through it: at the limit."""
        if not self.at_limit():
            self.index = None
        return 0

    cdef int _drop_oldest(self) except -1:
        """Take the head away, and note the hole on what follows it."""
        cdef Slot* slot = &self.ring[self.head]
        cdef int lost = slot.lost + 1
        self.used -= self._cost(slot)
        Py_DECREF(<object>slot.payload)
        self.head = (self.head + 1) & (self.cap - 1)
        self.count -= 1
        self.popped += 1
        if self.count:
            self.ring[self.head].lost += lost
        else:
            self.pending_lost += lost
        return 0

    cdef int _build_index(self) except -1:
        cdef Py_ssize_t i
        self.index = {}
        for i in range(self.count):
            self.index[self.key(<object>self.ring[(self.head + i) & (self.cap - 1)].payload)] = (
                self.popped + i
            )
        return 0

    cdef int _grow(self) except -1:
        cdef Py_ssize_t cap = self.cap * 2 if self.cap else FIRST_CAP
        cdef Slot* ring = <Slot*>malloc(cap * sizeof(Slot))
        cdef Py_ssize_t i
        if ring == NULL:
            raise MemoryError()
        for i in range(self.count):
            ring[i] = self.ring[(self.head + i) & (self.cap - 1)]
        free(self.ring)
        self.ring = ring
        self.cap = cap
        self.head = 0
        return 0

    cdef bytes pop(self):
        """The oldest message; there is one. Its opcode, stamps and hole are left in attributes."""
        cdef Slot* slot = &self.ring[self.head]
        cdef bytes payload = <bytes>slot.payload
        Py_DECREF(payload)  # the ring's reference
        self.opcode = slot.opcode
        self.wall = slot.wall
        self.mono = slot.mono
        self.lost = slot.lost
        self.head = (self.head + 1) & (self.cap - 1)
        self.count -= 1
        self.popped += 1
        self.used -= PyBytes_GET_SIZE(payload) + MESSAGE_OVERHEAD
        if self.full_at >= 0 or self.index is not None or self.count == 0:
            self._after_pop()
        return payload

    cdef int pop_run(self, list into) except -1:
        """Move the oldest message, and those that arrived in the same read, to the end of `into`.

        There is one at least. Its stamps are left in attributes, and in `lost` the sum of all
        their holes.
        """
        cdef Slot* slot = &self.ring[self.head]
        cdef int64_t stamp = slot.mono
        cdef int lost = 0
        cdef Py_ssize_t used = 0
        cdef Py_ssize_t n = 0
        cdef object payload
        self.wall = slot.wall
        self.mono = stamp
        while n < self.count:
            slot = &self.ring[(self.head + n) & (self.cap - 1)]
            if slot.mono != stamp:
                break
            payload = <object>slot.payload
            PyList_Append(into, payload)
            Py_DECREF(payload)  # the ring's reference
            used += PyBytes_GET_SIZE(payload)
            lost += slot.lost
            n += 1
        self.opcode = slot.opcode
        self.lost = lost
        self.head = (self.head + n) & (self.cap - 1)
        self.count -= n
        self.popped += n
        self.used -= used + n * MESSAGE_OVERHEAD
        if self.full_at >= 0 or self.index is not None or self.count == 0:
            self._after_pop()
        return 0

    cdef int _after_pop(self) except -1:
        if self.count == 0:
            # A large ring is given back once it is no longer needed: when little went through it
            # since it was empty last. After each burst would be before each burst, too.
            if self.cap > KEEP_CAP and (self.popped - self.popped_when_empty) * 4 < self.cap:
                free(self.ring)
                self.ring = NULL
                self.cap = self.head = 0
            self.popped_when_empty = self.popped
        if not self.at_limit():
            self.full_at = -1
            self.index = None
        return 0

    # For tests: the same calls from Python.

    def put(self, bytes payload not None, int opcode=2, int64_t wall=0, int64_t mono=0):
        """`push`, from Python; whether the policy let the message be handled."""
        return not self.push(payload, opcode, wall, mono)

    def get(self):
        """`pop`, from Python.

        Raises:
            IndexError: The queue is empty.
        """
        if self.count == 0:
            raise IndexError("the inbox is empty")
        return self.pop()
