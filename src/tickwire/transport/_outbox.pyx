# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The send queue, compiled: frames from their encoding until the kernel has taken their last byte.

TLS wants a refused write repeated with the same bytes at the same place, so bytes once offered are
never moved: while a write is refused, new frames go to a second buffer, which moves up when the
first is gone.

The queue knows libcurl's function for sending, and nothing of loops and descriptors: when to offer
is the pump's affair. The twin is _outbox_py.py.
"""

cimport cython
from libc.stdint cimport int64_t, uint8_t, uintptr_t
from libc.stdlib cimport free, realloc
from libc.string cimport memmove

from tickwire.clock cimport mono_ns
from tickwire.wire._wire cimport FIN, OP_PONG, MaskKeys, frame_size

cdef enum:
    CURLE_OK = 0
    CURLE_AGAIN = 81
    FIRST_CAP = 512
    KEEP_BYTES = 64 * 1024
    # Of unsent pongs beyond this only the latest is kept: RFC 6455 section 5.5.3 asks for no more.
    CONTROL_BACKLOG_FRAMES = 512


@cython.final
cdef class Outbox:
    """See the module's text. Nothing can be put before `open`."""

    cdef int open(
        self, uintptr_t send_address, Py_ssize_t limit, Py_ssize_t batch_limit, double time_slice
    ) except -1:
        """
        Args:
            send_address: libcurl's `curl_easy_send`, as an integer.
            limit: Frames that may wait behind a refused write.
            batch_limit: Frames that may be gathered before they are offered.
            time_slice: Seconds that one offer may last while the kernel goes on taking.
        """
        self.easy_send = <easy_send_t>send_address
        self.keys = MaskKeys()
        self.limit = limit
        self.batch_limit = batch_limit
        self.slice_ns = <int64_t>(time_slice * 1e9)
        return 0

    def __dealloc__(self):
        free(self.out.data)
        free(self.pend.data)

    cdef int grow(self, Frames* frames, Py_ssize_t size) except -1:
        """Make room for `size` bytes more."""
        cdef Py_ssize_t cap = frames.cap * 2 if frames.cap else FIRST_CAP
        cdef uint8_t* grown
        while cap - frames.tail < size:
            cap *= 2
        grown = <uint8_t*>realloc(frames.data, cap)
        if grown == NULL:
            raise MemoryError()
        frames.data = grown
        frames.cap = cap
        return 0

    cdef int put_pong(self, const uint8_t* data, Py_ssize_t n) except -1:
        """Queue a pong; if too many wait already, it takes the place of the last of them."""
        if not self.blocked:
            return self.put(FIN | OP_PONG, data, n)
        if self.pongs_waiting >= CONTROL_BACKLOG_FRAMES:
            self._take_back_last_pong()
        else:
            self.pongs_waiting += 1
        self.last_pong_at = self.pend.tail
        self.last_pong_size = frame_size(n)
        return self.put(FIN | OP_PONG, data, n)

    cdef int _take_back_last_pong(self) noexcept:
        """Close the gap where it waits; what lies there was not offered yet, and may be moved."""
        cdef uint8_t* at = self.pend.data + self.last_pong_at
        cdef Py_ssize_t end = self.last_pong_at + self.last_pong_size
        memmove(at, at + self.last_pong_size, self.pend.tail - end)
        self.pend.tail -= self.last_pong_size
        self.pend.count -= 1
        return 0

    cdef int offer(self, void* easy) noexcept:
        """Offer what waits to the kernel, until it has taken all or refuses.

        TAKEN: nothing waits. REFUSED: offer again when the descriptor is writable; a time slice
        that is over counts as a refusal. FAILED: see `error`; what waited is dropped.
        """
        cdef Frames* out = &self.out
        cdef Frames gone
        cdef size_t sent
        cdef size_t want
        cdef int rc
        cdef int64_t now
        cdef int64_t started = 0
        self.moved_up = False
        while True:
            if out.head == out.tail:
                if out.cap > KEEP_BYTES:
                    free(out.data)
                    out.data = NULL
                    out.cap = 0
                out.head = out.tail = out.count = 0
                self.blocked = False
                if self.pend.tail == 0:
                    return TAKEN
                gone = self.out
                self.out = self.pend
                self.pend = gone
                self.pongs_waiting = 0
                self.moved_up = True
            want = self.retry_len if self.retry_len else out.tail - out.head
            sent = 0
            rc = self.easy_send(easy, out.data + out.head, want, &sent)
            if rc == CURLE_AGAIN:
                self.retry_len = want
                self.blocked = True
                return REFUSED
            if rc != CURLE_OK:
                self.drop()
                self.error = rc
                return FAILED
            self.retry_len = 0
            out.head += sent
            self.bytes_sent += sent
            if out.head < out.tail:
                now = mono_ns()
                if started == 0:
                    started = now
                elif now - started >= self.slice_ns:
                    self.blocked = True  # as far as this turn of the loop goes
                    return REFUSED

    cdef int drop(self) noexcept:
        """Forget what waits."""
        self.out.head = self.out.tail = self.out.count = 0
        self.pend.head = self.pend.tail = self.pend.count = 0
        self.pongs_waiting = 0
        return 0

    cdef int release(self) noexcept:
        """Forget what waits, and give its memory back."""
        self.drop()
        free(self.out.data)
        free(self.pend.data)
        self.out.data = self.pend.data = NULL
        self.out.cap = self.pend.cap = 0
        return 0
