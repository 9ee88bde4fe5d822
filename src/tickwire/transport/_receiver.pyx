# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The receiving half of a connection, compiled: from parsed messages to the tasks that wait.

There is no descriptor here and no libcurl: whoever reads bytes (the pump) is a subclass, gives them
to `parse`, and calls `wake_waiters` when a read is over.

Theory of operation. `on_message` puts each message into the inbox. `recv()` and its kin return a
`Receive`, which is at once the awaitable, its iterator and, with its `Wait`, the future-like object
that the task waits on. If a message is queued it completes without suspending. If not, the drain
that brings a message resumes the task directly, from the reader callback, with no trip through the
loop's ready queue. A message leaves the inbox only in the very step in which the task is resumed,
so a cancelled or timed-out `recv` never takes one with it.

The twin is _receiver_py.py.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.ref cimport Py_DECREF, Py_INCREF, PyObject
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport int64_t

from tickwire.transport._am_send cimport set_am_send
from tickwire.transport._inbox cimport Inbox
from tickwire.transport.ends cimport END_OVERFLOW
from tickwire.wire._wire cimport OP_TEXT, MessageParser

from asyncio import CancelledError

from .message import Message

cdef extern from "Python.h":
    int PyContext_Enter(object context) except -1
    int PyContext_Exit(object context) except -1

# What a Receive hands over.
cdef enum:
    AS_TUPLE = 0
    AS_BYTES = 1
    AS_BATCH = 2
    AS_MESSAGE = 3
    AS_TEXT = 4


cdef class Batch(list):
    """The messages of one socket read, as a list of bytes.

    Attributes:
        recv_ns: When the read returned, in nanoseconds since the Unix epoch.
        mono_ns: The same instant on the monotonic clock, in nanoseconds.
        lost: Messages that an overflow policy dropped before or among these.
    """
    cdef readonly int64_t recv_ns
    cdef readonly int64_t mono_ns
    cdef readonly long long lost


@cython.final
@cython.freelist(16)
cdef class Wait:
    """What a task waits on: the part of asyncio.Future that a Task uses.

    It is not the awaitable itself, because asyncio takes whatever has `_asyncio_future_blocking`
    for a future.
    """
    cdef Receiver receiver
    cdef object callback
    cdef object context
    cdef object error
    cdef public bint _asyncio_future_blocking

    def get_loop(self):
        return self.receiver.loop

    def add_done_callback(self, callback, *, context=None):
        self.callback = callback
        self.context = context

    def cancel(self, msg=None):
        cdef Receive receive
        for receive in self.receiver.waiters:
            if receive.wait is self:
                self.receiver.waiters.remove(receive)
                break
        else:
            return False
        self.error = CancelledError() if msg is None else CancelledError(msg)
        callback, context = self.callback, self.context
        self.callback = None
        self.context = None
        if callback is not None:
            self.receiver.loop.call_soon(callback, self, context=context)
        return True

    def result(self):
        if self.error is not None:
            error, self.error = self.error, None
            raise error


@cython.final
@cython.freelist(16)
cdef class Receive:
    """One wait for a message, or one iteration: the awaitable and its iterator in one object."""
    cdef Receiver receiver
    cdef int kind
    cdef bint iterating
    cdef bint waiting
    cdef bint handed
    cdef object timeout
    cdef object timer
    cdef Wait wait

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __aiter__(self):
        return self

    def __anext__(self):
        if self.handed:
            # Two tasks share one iterator: the second gets a wait of its own.
            return _receive(self.receiver, self.kind, None, True)
        self.handed = True
        return self

    def __next__(self):
        cdef PyObject* out = NULL
        cdef int waits = self.step(&out)
        value = <object>out
        Py_DECREF(value)
        if not waits:
            raise StopIteration(value)
        return value

    def send(self, value):
        return self.__next__()

    def throw(self, kind, value=None, traceback=None):
        self._forget()
        if value is None:
            value = kind if isinstance(kind, BaseException) else kind()
        raise value

    def close(self):
        self._forget()

    cdef int step(self, PyObject** out) except -1:
        """0: `out` is the value; 1: `out` is what the task must wait on (a new reference each)."""
        cdef Receiver receiver = self.receiver
        if self.waiting:
            self.waiting = False
            if self.timer is not None:
                self.timer.cancel()
                self.timer = None
        self.handed = False
        if receiver.inbox.count and not receiver.abandon_queue:
            value = receiver.take(self.kind)
            Py_INCREF(value)
            out[0] = <PyObject*>value
            return 0
        if receiver.ended:
            if self.iterating and receiver.ended_cleanly:
                raise StopAsyncIteration
            raise receiver._end_error()
        if self.wait is None:
            self.wait = Wait.__new__(Wait)
            self.wait.receiver = receiver
        receiver.waiters.append(self)
        self.waiting = True
        self.handed = True
        self.wait._asyncio_future_blocking = True
        if self.timeout is not None:
            self.timer = receiver.loop.call_later(self.timeout, self._expire)
        Py_INCREF(self.wait)
        out[0] = <PyObject*>self.wait
        return 1

    cdef int fire(self) except -1:
        """Resume the waiting task, here and now. Only from a loop callback, never from a task."""
        cdef Wait wait = self.wait
        cdef object callback = wait.callback
        cdef object context = wait.context
        if callback is None:
            return 0
        wait.callback = None
        wait.context = None
        PyContext_Enter(context)
        try:
            callback(wait)
        finally:
            PyContext_Exit(context)
        return 0

    cdef _forget(self):
        self.waiting = False
        self.handed = False
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        self.wait = None
        if self in self.receiver.waiters:
            self.receiver.waiters.remove(self)

    def _expire(self):
        self.timer = None
        if self in self.receiver.waiters:
            self.receiver.waiters.remove(self)
            self.wait.error = self.receiver._recv_timeout(self.timeout)
            self.fire()


cdef int _receive_am_send(PyObject* self, PyObject* value, PyObject** out) except -1:
    """The am_send slot: PYGEN_RETURN is 0, PYGEN_ERROR -1, PYGEN_NEXT 1, as `step` has them."""
    return (<Receive>self).step(out)


set_am_send(Receive, _receive_am_send)


cdef Receive _receive(Receiver receiver, int kind, timeout, bint iterating):
    cdef Receive receive = Receive.__new__(Receive)
    receive.receiver = receiver
    receive.kind = kind
    receive.timeout = timeout
    receive.iterating = iterating
    return receive


cdef class Receiver(MessageParser):
    """See the module's text.

    Args:
        loop: The event loop that runs the connection.
        inbox: The receive queue.
        on_message: Called with each message and its opcode instead of queueing it, or None.
        max_message_size: In bytes.
    """

    def __cinit__(self, *args, **kwargs):
        self.waiters = []

    def __init__(self, *, loop, Inbox inbox not None, on_message, Py_ssize_t max_message_size):
        self.loop = loop
        self.inbox = inbox
        self.on_message_callback = on_message

    cdef int on_message(self, bytes payload, int opcode) except -1:
        self.messages_received += 1
        if self.on_message_callback is not None:
            try:
                self.on_message_callback(payload, opcode)
            except (Exception, CancelledError) as error:
                # No task is cancelled here: it is the result of a future that was.
                self._on_callback_error(error)
            return 0
        if self.discarding and self.inbox.at_limit():
            self.discarded += 1
            return 0
        if self.inbox.push(payload, opcode, self.stamp_wall, self.stamp_mono):
            self.done = True
            self._on_end(END_OVERFLOW, None)
        return 0

    cdef int resume_reading(self) except -1:
        """The inbox of a paused reader has room again. Overridden by what reads."""
        self.paused = False
        return 0

    cdef object take(self, int kind):
        """What a Receive of this kind hands over; the inbox is not empty."""
        cdef Inbox inbox = self.inbox
        cdef bytes payload
        cdef Batch batch
        if kind == AS_BATCH:
            batch = Batch.__new__(Batch)
            inbox.pop_run(batch)
            batch.lost = inbox.lost
            batch.recv_ns = inbox.wall
            batch.mono_ns = inbox.mono
        else:
            payload = inbox.pop()
        self.recv_ns = inbox.wall
        self.mono_ns = inbox.mono
        if self.paused and inbox.has_room():
            self.resume_reading()
        if kind == AS_BYTES:
            return payload
        if kind == AS_BATCH:
            return batch
        if kind == AS_TUPLE:
            return (payload, inbox.opcode)
        if kind == AS_MESSAGE:
            return Message(payload, inbox.opcode, inbox.wall, inbox.mono, inbox.lost)
        if inbox.opcode == OP_TEXT:
            if self.unchecked_text:
                return self._unchecked(payload)
            return PyUnicode_DecodeUTF8(
                PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload), "strict"
            )
        return self._not_text(payload)

    cdef int wake_waiters(self) except -1:
        """Resume waiting tasks while there is something for them. Only from a loop callback."""
        cdef Receive waiter
        while self.waiters and (self.ended or self.inbox.count):
            waiter = <Receive>self.waiters.pop(0)
            waiter.fire()
        return 0

    def wake(self):
        """Resume the tasks that wait for messages; called from the loop, never from a task."""
        self.wake_waiters()

    @property
    def is_paused(self):
        """Whether reading has stopped because the receive queue and the read-ahead are full."""
        return self.paused

    @property
    def recv_queue_length(self):
        """Messages that wait in the receive queue."""
        return self.inbox.count

    @property
    def recv_queue_used(self):
        """Bytes that the receive queue holds, 64 bytes of bookkeeping per message included."""
        return self.inbox.used

    def recv(self, *, timeout=None):
        return _receive(self, AS_TUPLE, timeout, False)

    def recv_bytes(self, *, timeout=None):
        return _receive(self, AS_BYTES, timeout, False)

    def recv_str(self, *, timeout=None):
        return _receive(self, AS_TEXT, timeout, False)

    def recv_message(self, *, timeout=None):
        return _receive(self, AS_MESSAGE, timeout, False)

    def recv_batch(self, *, timeout=None):
        return _receive(self, AS_BATCH, timeout, False)

    def batches(self):
        return _receive(self, AS_BATCH, None, True)

    def iter_str(self):
        return _receive(self, AS_TEXT, None, True)

    def __aiter__(self):
        return _receive(self, AS_BYTES, None, True)

    def __anext__(self):
        return _receive(self, AS_BYTES, None, True)
