from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef extern from *:
    """
    #ifndef TICKWIRE_WIRE_STRUCTS
    #define TICKWIRE_WIRE_STRUCTS
    #include <stdint.h>
    typedef struct { uint8_t need, lo, hi; } tw_utf8;
    #endif
    """
    ctypedef struct tw_utf8:
        uint8_t need, lo, hi

# RFC 6455 section 5.2: opcodes, and the bits beside them in a frame's first byte.
cdef enum:
    OP_CONT = 0x0
    OP_TEXT = 0x1
    OP_BINARY = 0x2
    OP_CLOSE = 0x8
    OP_PING = 0x9
    OP_PONG = 0xA
    FIN = 0x80
    RSV1 = 0x40


cdef class MessageParser:
    # The bytes of a header that did not come whole.
    cdef uint8_t head[14]
    cdef int head_have
    # The frame whose payload is incomplete.
    cdef bint in_payload
    cdef int frame_opcode
    cdef bint frame_fin
    cdef Py_ssize_t frame_len
    cdef Py_ssize_t frame_have
    cdef bytes partial
    # The message whose frames are incomplete.
    cdef int message_opcode
    cdef Py_ssize_t message_len
    cdef list parts
    cdef tw_utf8 utf8
    cdef Py_ssize_t max_message_size
    cdef bint done
    cdef list collected
    # Set by a negotiated permessage-deflate; None forbids RSV1.
    cdef public object inflater
    # Set by a program that wants text as it comes, valid UTF-8 or not.
    cdef public bint unchecked_text
    cdef bint message_deflated
    cdef readonly object failure
    cdef readonly object close_code
    cdef readonly object close_reason

    cdef int parse(self, const uint8_t* p, Py_ssize_t n) except -1
    cdef int filled(self, Py_ssize_t n) except -1
    cdef int _take_head(self, const uint8_t** p, const uint8_t* end) except -1
    cdef int _begin_frame(self) except -1
    cdef int _end_frame(self) except -1
    cdef int _keep(self, bytes part) except -1
    cdef int _end_control(self, int opcode, bytes payload) except -1
    cdef int _fail(self, int code, str reason) except -1
    cdef int _inflated(self, bytes payload, int opcode) except -1
    cdef int on_message(self, bytes payload, int opcode) except -1
    cdef int on_control(self, int opcode, bytes payload) except -1


cdef class MaskKeys:
    cdef bytes pool
    cdef Py_ssize_t used
    cdef object source
    cdef uint32_t next(self) except? 0


cdef Py_ssize_t frame_size(Py_ssize_t payload_len) noexcept
cdef void write_frame(
    uint8_t* dst, int first_byte, const uint8_t* src, Py_ssize_t n, uint32_t key
) noexcept
