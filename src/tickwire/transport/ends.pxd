"""The numbers of ends.py, for the compiled cores."""

cdef enum:
    END_PEER_CLOSE = 1
    END_VIOLATION = 2
    END_EOF = 3
    END_RECV_ERROR = 4
    END_SEND_ERROR = 5
    END_CRASH = 6
    END_OVERFLOW = 7
