# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The pump, compiled: moves bytes between a connected libcurl handle and two bounded queues.

Theory of operation.

Reading. The descriptor is registered once. When it is readable, `_on_readable` calls
`curl_easy_recv` into a buffer that all connections of the thread share (a drain is synchronous),
and hands what came to the parser; the receiver, of which the pump is a subclass, queues the
messages and resumes the tasks that wait for them. A descriptor that is not readable does not mean
that nothing is left: a TLS record may be decrypted and waiting. So a drain goes on until
`CURLE_AGAIN`; where it stops earlier (budget, time slice) it re-arms itself with `call_soon`. Only
on plain TCP, and only once `CURLE_AGAIN` was seen (the bytes that came with the 101 are kept by
libcurl, not by the kernel), does a short read end a drain.

Backpressure. The receive queue is at its limit when it holds `recv_queue_size` messages or
`recv_queue_bytes` bytes. The reader then goes on for `read_ahead` more bytes, so that a ping is
still answered and a close still seen, and then stops reading: the descriptor is taken from the
loop, and TCP pushes back. One read (256 KiB at the most) may overshoot the bound.

Writing. With nothing queued, a frame is encoded and given to `curl_easy_send` at once; what the
kernel did not take the outbox keeps, and the writer callback goes on.

The pure-Python twin is _pump_py.py; websocket.py, on top of either, decides what events mean.
"""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.ref cimport Py_INCREF, PyObject
from libc.stdint cimport int64_t, uint8_t, uintptr_t
from libc.stdlib cimport free, malloc

from tickwire.clock cimport mono_ns, wall_ns
from tickwire.transport._am_send cimport set_am_send
from tickwire.transport._inbox cimport Inbox
from tickwire.transport._outbox cimport REFUSED, TAKEN, Outbox
from tickwire.transport._receiver cimport Receiver
from tickwire.transport.ends cimport (
    END_CRASH, END_EOF, END_PEER_CLOSE, END_RECV_ERROR, END_SEND_ERROR, END_VIOLATION,
)
from tickwire.wire._wire cimport FIN, OP_BINARY, OP_CLOSE, OP_PING, OP_PONG, OP_TEXT, RSV1

cdef extern from "Python.h":
    const char* PyUnicode_AsUTF8AndSize(object text, Py_ssize_t* size) except NULL

ctypedef int (*easy_recv_t)(void*, void*, size_t, size_t*) noexcept nogil

cdef enum:
    CURLE_OK = 0
    CURLE_AGAIN = 81
    READ_BUFFER_BYTES = 256 * 1024
    # A partial payload with at least this much missing is received straight into its own bytes.
    DIRECT_READ_BYTES = 64 * 1024
    # A reader callback gives way to the rest of the loop after this much.
    READ_BUDGET_BYTES = 256 * 1024
    # A read is parsed in one go, callbacks included; these bound it by its bytes. See _drain.
    FIRST_READ_BYTES = 16 * 1024
    LEAST_READ_BYTES = 256


cdef class ReadBuffer:
    """A read buffer for all connections of one thread."""
    cdef uint8_t* data

    def __cinit__(self):
        self.data = <uint8_t*>malloc(READ_BUFFER_BYTES)
        if self.data == NULL:
            raise MemoryError()

    def __dealloc__(self):
        free(self.data)


@cython.final
cdef class Done:
    """An awaitable that is done: what a `send` that did not have to wait returns."""

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        raise StopIteration

    def send(self, value):
        raise StopIteration

    def throw(self, kind, value=None, traceback=None):
        if value is None:
            value = kind if isinstance(kind, BaseException) else kind()
        raise value

    def close(self):
        pass


cdef int _done_am_send(PyObject* self, PyObject* value, PyObject** out) except -1:
    Py_INCREF(None)
    out[0] = <PyObject*>None
    return 0


set_am_send(Done, _done_am_send)

cdef Done DONE = Done()


cdef class Pump(Receiver):
    """See the module's text. `websocket.AsyncWebSocket` is built on this class or on its twin.

    Args:
        loop: The event loop that runs the connection.
        io_loop: What has `add_reader` and its kin: the loop itself, but for Windows.
        fd: The connected socket.
        easy, recv_address, send_address: The libcurl handle and the two functions, as integers.
        buffer: The thread's shared read buffer.
        plain: Whether the bytes pass no TLS layer, so that a short read means an empty socket.
        inbox: The receive queue.
        on_message: Called with each message and its opcode instead of queueing it, or None.
        max_message_size, max_frame_payload: In bytes.
        send_queue_size, max_send_batch_size: In messages.
        coalesce_frames: Whether frames of one turn of the loop are gathered.
        recv_time_slice, send_time_slice: In seconds.
    """
    cdef object io_loop
    cdef object call_soon
    cdef readonly int fd
    cdef void* easy
    cdef easy_recv_t easy_recv
    cdef ReadBuffer buffer
    cdef bint plain
    cdef bint seen_again
    cdef bint reading
    cdef bint in_drain
    cdef public bint retry_due
    cdef object rearm
    cdef int64_t time_slice_ns
    cdef Py_ssize_t read_bytes
    cdef readonly int64_t last_byte_mono_ns
    cdef readonly long long bytes_received

    cdef Outbox outbox
    cdef bint writing
    cdef bint coalesce
    cdef bint flush_scheduled
    cdef public bint can_send
    cdef public object deflater
    cdef public bint message_open
    cdef Py_ssize_t max_frame_payload
    cdef readonly long long messages_sent

    def __cinit__(self, *args, **kwargs):
        self.fd = -1
        self.outbox = Outbox()

    def __init__(
        self, *, loop, io_loop, int fd, uintptr_t easy, uintptr_t recv_address,
        uintptr_t send_address, ReadBuffer buffer not None, bint plain,
        Py_ssize_t max_message_size, Inbox inbox not None, on_message,
        Py_ssize_t send_queue_size, Py_ssize_t max_send_batch_size, bint coalesce_frames,
        double recv_time_slice, double send_time_slice, Py_ssize_t max_frame_payload,
    ):
        Receiver.__init__(
            self, loop=loop, inbox=inbox, on_message=on_message, max_message_size=max_message_size
        )
        self.io_loop = io_loop
        self.call_soon = loop.call_soon
        self.fd = fd
        self.easy = <void*>easy
        self.easy_recv = <easy_recv_t>recv_address
        self.buffer = buffer
        self.plain = plain
        self.time_slice_ns = <int64_t>(recv_time_slice * 1e9)
        self.read_bytes = FIRST_READ_BYTES
        self.outbox.open(send_address, send_queue_size, max_send_batch_size, send_time_slice)
        self.coalesce = coalesce_frames
        self.max_frame_payload = max_frame_payload
        self.can_send = True
        self.last_byte_mono_ns = mono_ns()

    # ------------------------------------------------------------------ reading

    def start(self):
        """Register the descriptor, and read what came together with the handshake."""
        self._add_reader()
        self._on_readable()

    cdef _add_reader(self):
        if not self.reading and self.fd >= 0:
            self.io_loop.add_reader(self.fd, self._on_readable)
            self.reading = True

    cdef _remove_reader(self):
        if self.reading:
            self.reading = False
            self.io_loop.remove_reader(self.fd)

    def detach(self):
        """Let go of the descriptor and the handle; the caller closes them afterwards."""
        if self.fd < 0:
            return
        self._remove_reader()
        self._stop_writing()
        if self.rearm is not None:
            self.rearm.cancel()
            self.rearm = None
        self.fd = -1
        self.done = True  # a callback may have closed the connection in the middle of a drain
        self.easy = NULL
        self.can_send = False
        self.partial = None
        self.outbox.release()

    def disown(self):
        """After a fork, in the child: forget the connection and touch nothing of it.

        The loop's selector and the stream are shared with the parent.
        """
        self.reading = False
        self.writing = False
        self.rearm = None
        self.fd = -1
        self.easy = NULL
        self.done = True
        self.can_send = False

    def _on_rearm(self):
        self.rearm = None
        self._on_readable()

    def _on_readable(self):
        if self.fd < 0 or self.in_drain or self.paused:
            return
        self.in_drain = True
        try:
            self._drain()
        except BaseException as exc:
            self.in_drain = False
            self._on_end(END_CRASH, exc)
            if not isinstance(exc, Exception):
                raise
        self.in_drain = False
        self.wake_waiters()

    cdef int _drain(self) except -1:
        cdef size_t got, want
        cdef uint8_t* into
        cdef int rc
        cdef bint direct
        cdef bint emptied = False
        cdef Py_ssize_t total = 0
        cdef int64_t started = 0
        cdef int64_t now
        while True:
            direct = self.in_payload and self.frame_len - self.frame_have >= DIRECT_READ_BYTES
            if direct:
                into = <uint8_t*>PyBytes_AS_STRING(self.partial) + self.frame_have
                want = self.frame_len - self.frame_have
            else:
                into = self.buffer.data
                want = self.read_bytes
            got = 0
            rc = self.easy_recv(self.easy, into, want, &got)
            if rc != CURLE_OK:
                if rc == CURLE_AGAIN:
                    emptied = True
                    self.seen_again = True
                    break
                self._on_end(END_RECV_ERROR, rc)
                return 0
            if got == 0:
                self._on_end(END_EOF, None)
                return 0
            self.stamp_mono = self.last_byte_mono_ns = mono_ns()
            self.stamp_wall = wall_ns()
            if started == 0:
                started = self.stamp_mono
            total += got
            self.bytes_received += got
            if not self.done:
                if direct:
                    self.filled(got)
                else:
                    self.parse(into, got)
                if self.fd < 0:
                    return 0  # a callback closed the connection
                if self.done and not self.ended:
                    self._flush()
                    self._on_end(
                        END_VIOLATION if self.failure is not None else END_PEER_CLOSE, None
                    )
                    if self.fd < 0:
                        return 0
                elif self.inbox.is_full() and not self.discarding:
                    self.hold()
                    break
            now = self.stamp_mono
            if got >= LEAST_READ_BYTES and not direct:
                now = mono_ns()
                self.pace_reads(got, now - self.stamp_mono)
            if self.plain and self.seen_again and got < want:
                emptied = True
                break
            if total >= READ_BUDGET_BYTES or now - started >= self.time_slice_ns:
                break
        if self.outbox.out.tail and not self.outbox.blocked and not self.flush_scheduled:
            self._flush()  # pongs of this drain
        if not emptied and not self.paused and self.fd >= 0 and self.rearm is None:
            self.rearm = self.call_soon(self._on_rearm)
        return 0

    cdef int pace_reads(self, Py_ssize_t got, int64_t spent) noexcept:
        """After a read of so many bytes that took so long to parse: what the next one may bring.

        What is read has to be parsed, so a time slice is kept by reading no more than fits in it.
        """
        if spent > self.time_slice_ns:
            self.read_bytes = max(
                <Py_ssize_t>LEAST_READ_BYTES,
                <Py_ssize_t>(<double>got * self.time_slice_ns / spent),
            )
        elif got == self.read_bytes < READ_BUFFER_BYTES and spent * 2 <= self.time_slice_ns:
            self.read_bytes = min(<Py_ssize_t>READ_BUFFER_BYTES, self.read_bytes * 2)
        return 0

    cdef int resume_reading(self) except -1:
        if self.fd < 0 or self.retry_due:
            return 0
        self.paused = False
        self._add_reader()
        # The handle may hold decrypted bytes that the descriptor does not show: drain first.
        if self.rearm is None:
            self.rearm = self.call_soon(self._on_rearm)
        return 0

    def hold(self):
        """Stop reading until `go_on`."""
        self.paused = True
        self._remove_reader()

    def go_on(self):
        """Read on after `hold`."""
        if self.paused:
            self.resume_reading()

    def read_now(self):
        """Read what the socket holds, without waiting for the loop to say so."""
        self._on_readable()

    def discard_incoming(self):
        """From now on read and parse without bound, dropping what finds the queue full."""
        self.discarding = True
        self.retry_due = False
        self.go_on()

    cdef int on_control(self, int opcode, bytes payload) except -1:
        if opcode == OP_PING:
            if self.can_send:
                self.outbox.put_pong(
                    <const uint8_t*>PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload)
                )
        elif opcode == OP_PONG:
            self._on_pong(payload)
        return 0

    # ------------------------------------------------------------------ writing

    cdef int _flush(self) except -1:
        """Offer what waits to the kernel, and have the loop tell when it takes more."""
        cdef Outbox outbox = self.outbox
        cdef int became
        if self.fd < 0:
            return 0
        became = outbox.offer(self.easy)
        if outbox.moved_up:
            self._on_room()
        if became == TAKEN:
            if self.writing:
                self._stop_writing()
                self._on_room()
        elif became == REFUSED:
            if not self.writing:
                self.writing = True
                self.io_loop.add_writer(self.fd, self._on_writable)
        else:
            self.can_send = False
            # Nothing more will leave; a writer left registered would be called for ever.
            self._stop_writing()
            self._on_end(END_SEND_ERROR, outbox.error)
        return 0

    cdef _stop_writing(self):
        if self.writing:
            self.writing = False
            self.io_loop.remove_writer(self.fd)

    def _on_writable(self):
        if self.fd >= 0:
            self._flush()
            if not self.in_drain:
                self.wake_waiters()

    def _on_flush_turn(self):
        """The end of a loop turn in which frames were coalesced."""
        self.flush_scheduled = False
        if self.fd >= 0 and not self.outbox.blocked and self.outbox.out.tail:
            self._flush()

    cdef Done _after_put(self):
        """Count a message that was put, and offer it at once, or with the others of this turn."""
        cdef Outbox outbox = self.outbox
        self.messages_sent += 1
        if outbox.blocked:
            return DONE
        if self.coalesce and outbox.may_gather():
            if not self.flush_scheduled:
                self.flush_scheduled = True
                self.call_soon(self._on_flush_turn)
        else:
            self._flush()
        return DONE

    def flush_now(self):
        """Offer the frames that wait for the end of the loop turn."""
        if not self.outbox.blocked:
            self._flush()

    @property
    def bytes_sent(self):
        """Bytes that the kernel has taken, those of frames' headers included."""
        return self.outbox.bytes_sent

    @property
    def send_queue_length(self):
        """Frames that the kernel has not taken yet."""
        return self.outbox.out.count + self.outbox.pend.count

    @property
    def has_room(self):
        """Whether one more frame may be queued now."""
        return self.outbox.has_room()

    @property
    def has_room_for_fragment(self):
        """Whether a fragment of a large message may be queued: one waits at most, so that a pong
        does not have to wait for the whole message."""
        return not self.outbox.blocked or self.outbox.pend.count == 0

    @property
    def unsent_bytes(self):
        """Bytes of frames that the kernel has not taken yet."""
        return self.outbox.waiting_bytes()

    @property
    def is_flushed(self):
        """Whether the kernel has taken every frame."""
        return self.outbox.is_empty()

    cdef _send_text(self, str text, flags, timeout):
        cdef Py_ssize_t n
        cdef const char* data = PyUnicode_AsUTF8AndSize(text, &n)
        if (
            not self.can_send or self.message_open or n > self.max_frame_payload
            or not self.outbox.has_room()
        ):
            return self._send_slow(text, flags, timeout)
        if self.deflater is not None:
            return self._send_deflated(text.encode(), OP_TEXT)
        self.outbox.put(FIN | OP_TEXT, <const uint8_t*>data, n)
        return self._after_put()

    cdef _send_deflated(self, bytes payload, int opcode):
        cdef bytes data = self.deflater.deflate(payload)
        self.outbox.put(
            FIN | RSV1 | opcode, <const uint8_t*>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data)
        )
        return self._after_put()

    def send_str(self, str payload not None, *, timeout=None):
        return self._send_text(payload, OP_TEXT, timeout)

    def send_bytes(self, payload, *, timeout=None):
        return self.send(payload, OP_BINARY, timeout)

    def send(self, payload, flags=None, timeout=None):
        cdef int opcode
        cdef Py_buffer view
        if type(payload) is str and (flags is None or flags == OP_TEXT):
            return self._send_text(<str>payload, OP_TEXT, timeout)
        opcode = OP_BINARY if flags is None else flags
        if (
            not self.can_send or self.message_open or not self.outbox.has_room()
            or (opcode != OP_BINARY and opcode != OP_TEXT) or isinstance(payload, str)
        ):
            return self._send_slow(payload, opcode, timeout)
        PyObject_GetBuffer(payload, &view, PyBUF_SIMPLE)
        try:
            if view.len > self.max_frame_payload:
                return self._send_slow(payload, opcode, timeout)
            if self.deflater is not None:
                return self._send_deflated(
                    PyBytes_FromStringAndSize(<const char*>view.buf, view.len), opcode
                )
            self.outbox.put(FIN | opcode, <const uint8_t*>view.buf, view.len)
        finally:
            PyBuffer_Release(&view)
        return self._after_put()

    def put_frame(self, int opcode, payload, bint fin=True, bint rsv1=False):
        """Queue one frame, whatever the queue's bound, and offer it to the kernel.

        For control frames and for the fragments of a large message; the caller keeps the order.
        """
        cdef Py_buffer view
        if self.fd < 0:
            return
        PyObject_GetBuffer(payload, &view, PyBUF_SIMPLE)
        try:
            self.outbox.put(
                opcode | (FIN if fin else 0) | (RSV1 if rsv1 else 0),
                <const uint8_t*>view.buf, view.len,
            )
        finally:
            PyBuffer_Release(&view)
        if fin and opcode < OP_CLOSE:
            self.messages_sent += 1
        if not self.outbox.blocked:
            self._flush()
