cimport cython
from libc.stdint cimport int64_t, uint8_t, uintptr_t

from tickwire.wire._wire cimport MaskKeys, frame_size, write_frame

ctypedef int (*easy_send_t)(void*, const void*, size_t, size_t*) noexcept nogil

cdef enum:
    # Frames that may be gathered are sent once they are this much.
    COALESCE_BYTES = 64 * 1024
    # Besides send_queue_size: no more than this waits behind a socket that takes nothing.
    SEND_QUEUE_BYTES = 1024 * 1024

# What became of an offer.
cdef enum:
    TAKEN = 0
    REFUSED = 1
    FAILED = 2

cdef struct Frames:
    uint8_t* data
    Py_ssize_t cap
    Py_ssize_t head
    Py_ssize_t tail
    Py_ssize_t count


@cython.final
cdef class Outbox:
    cdef easy_send_t easy_send
    cdef MaskKeys keys
    # What is offered, and what waits until that is gone.
    cdef Frames out
    cdef Frames pend
    cdef Py_ssize_t retry_len
    cdef Py_ssize_t pongs_waiting
    # Where in `pend` the last of them lies; holds while there are any.
    cdef Py_ssize_t last_pong_at
    cdef Py_ssize_t last_pong_size
    cdef Py_ssize_t limit
    cdef Py_ssize_t batch_limit
    cdef int64_t slice_ns
    # Whether the kernel refused, so that frames go to `pend`.
    cdef bint blocked
    # Whether the last offer made room behind it by getting rid of `out`.
    cdef bint moved_up
    # libcurl's code, after FAILED.
    cdef int error
    cdef long long bytes_sent

    cdef int open(
        self, uintptr_t send_address, Py_ssize_t limit, Py_ssize_t batch_limit, double time_slice
    ) except -1
    cdef int grow(self, Frames* frames, Py_ssize_t size) except -1
    cdef int put_pong(self, const uint8_t* data, Py_ssize_t n) except -1
    cdef int _take_back_last_pong(self) noexcept
    cdef int offer(self, void* easy) noexcept
    cdef int drop(self) noexcept
    cdef int release(self) noexcept

    cdef inline int put(self, int first_byte, const uint8_t* data, Py_ssize_t n) except -1:
        """Encode one frame behind those that wait."""
        cdef Frames* frames = &self.pend if self.blocked else &self.out
        cdef Py_ssize_t size = frame_size(n)
        if frames.cap - frames.tail < size:
            self.grow(frames, size)
        write_frame(frames.data + frames.tail, first_byte, data, n, self.keys.next())
        frames.tail += size
        frames.count += 1
        return 0

    cdef inline bint has_room(self) noexcept:
        """Whether one more message may be queued now."""
        return not self.blocked or (
            self.pend.count < self.limit and self.pend.tail < SEND_QUEUE_BYTES
        )

    cdef inline bint may_gather(self) noexcept:
        """Whether what waits is so little that more may be gathered before it is offered."""
        return self.out.count < self.batch_limit and self.out.tail < COALESCE_BYTES

    cdef inline Py_ssize_t waiting_bytes(self) noexcept:
        """Bytes that the kernel has not taken."""
        return self.out.tail - self.out.head + self.pend.tail

    cdef inline bint is_empty(self) noexcept:
        """Whether nothing waits."""
        return self.out.head == self.out.tail and self.pend.tail == 0
