cimport cython
from cpython.bytes cimport PyBytes_GET_SIZE
from cpython.ref cimport Py_INCREF, PyObject
from libc.stdint cimport int64_t

cdef struct Slot:
    PyObject* payload
    int64_t wall
    int64_t mono
    int opcode
    int lost


cdef enum:
    MESSAGE_OVERHEAD = 64


@cython.final
cdef class Inbox:
    cdef Slot* ring
    cdef Py_ssize_t cap
    cdef Py_ssize_t head
    cdef readonly Py_ssize_t count
    cdef readonly Py_ssize_t used
    cdef Py_ssize_t limit
    cdef Py_ssize_t limit_bytes
    cdef Py_ssize_t read_ahead
    cdef Py_ssize_t full_at
    cdef int policy
    cdef object key
    cdef dict index
    cdef int64_t popped
    cdef int64_t popped_when_empty
    cdef int pending_lost
    cdef readonly long long dropped
    # Of the message popped last.
    cdef readonly int opcode
    cdef readonly int64_t wall
    cdef readonly int64_t mono
    cdef readonly int lost

    cdef inline int push(
        self, bytes payload, int opcode, int64_t wall, int64_t mono
    ) except -1:
        """Queue a message; 1 if the policy is `fail` and there is no room, else 0."""
        # Here, and not behind a call, because it happens for each message. What `_push` is needed
        # for is a ring that must grow, and the message that reaches the limit.
        cdef Slot* slot
        cdef Py_ssize_t used = self.used + PyBytes_GET_SIZE(payload) + MESSAGE_OVERHEAD
        if self.count == self.cap or (
            self.full_at < 0 and (self.count + 1 >= self.limit or used >= self.limit_bytes)
        ):
            return self._push(payload, opcode, wall, mono)
        slot = &self.ring[(self.head + self.count) & (self.cap - 1)]
        Py_INCREF(payload)
        slot.payload = <PyObject*>payload
        slot.wall = wall
        slot.mono = mono
        slot.opcode = opcode
        slot.lost = self.pending_lost
        self.pending_lost = 0
        self.count += 1
        self.used = used
        return 0

    cdef int _push(self, bytes payload, int opcode, int64_t wall, int64_t mono) except -1
    cdef bytes pop(self)
    cdef int pop_run(self, list into) except -1
    cdef bint at_limit(self) noexcept
    cdef bint is_full(self) noexcept
    cdef bint has_room(self) noexcept
    cdef Py_ssize_t _cost(self, Slot* slot) noexcept
    cdef int _append(self, bytes payload, int opcode, int64_t wall, int64_t mono) except -1
    cdef int _overflow(self, bytes payload, int opcode, int64_t wall, int64_t mono) except -1
    cdef int _drop_oldest(self) except -1
    cdef int _build_index(self) except -1
    cdef int _forget_index(self) except -1
    cdef int _grow(self) except -1
    cdef int _after_pop(self) except -1
