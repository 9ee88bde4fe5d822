cimport cython
from libc.stdint cimport int64_t

from tickwire.transport._inbox cimport Inbox
from tickwire.wire._wire cimport MessageParser

cdef class Receiver(MessageParser):
    cdef readonly object loop
    cdef readonly Inbox inbox
    cdef object on_message_callback
    cdef list waiters
    # When the bytes that are being parsed were read.
    cdef int64_t stamp_wall
    cdef int64_t stamp_mono
    # Of the message handed over last.
    cdef readonly int64_t recv_ns
    cdef readonly int64_t mono_ns
    cdef readonly long long messages_received
    cdef readonly long long discarded
    # Whether nothing is read until the inbox has room.
    cdef bint paused
    cdef public bint ended
    cdef public bint ended_cleanly
    cdef public bint abandon_queue
    cdef public bint discarding

    cdef object take(self, int kind)
    cdef int wake_waiters(self) except -1
    cdef int resume_reading(self) except -1
