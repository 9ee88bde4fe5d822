# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The wire core, compiled: RFC 6455 frames to messages and back, with no I/O.

Theory of operation. A client receives a stream of unmasked frames. `MessageParser.parse` is given
any piece of that stream and consumes all of it; nothing is ever handed back to the caller to keep.
What is incomplete at the end of a piece is held in one of two places:

* a header that did not come whole: at most 14 bytes in `head`;
* a payload that did not come whole: `partial`, a bytes object made at the frame's full length,
  filled from `frame_have` on. The transport may receive straight into it (see `filled`), so that a
  large message is copied once, by the kernel.

The common case, an unfragmented data frame that lies whole in the piece, never touches that state:
it is recognised by its first byte and its length, checked for UTF-8 if it is text, copied into its
bytes object and handed to `on_message`. Everything else takes the slow road through `_take_head`,
`_begin_frame` and `_end_frame`, where the rules of section 5 are checked in the order in which the
bytes arrive, so that a violation is found at the first byte that shows it.

UTF-8 is checked incrementally (section 8.1 allows failing early): `utf8` carries the state from one
piece or fragment to the next.

The pure-Python twin is fallback.py. Both pass the same tests, and a property test feeds both the
same bytes in any split and compares what comes out.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.buffer cimport (
    PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer,
)
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from os import urandom

from .deflate import InflateError

cdef extern from *:
    """
    #include <string.h>

    #ifndef TICKWIRE_WIRE_STRUCTS
    #define TICKWIRE_WIRE_STRUCTS
    #include <stdint.h>
    typedef struct { uint8_t need, lo, hi; } tw_utf8;
    #endif

    /* Length of the leading run of ASCII, by 32 bytes, then 8, then 1. */
    static inline size_t tw_ascii_run(const uint8_t *p, size_t n) {
        size_t i = 0;
        const uint64_t high = 0x8080808080808080ULL;
        while (n - i >= 32) {
            uint64_t w[4];
            memcpy(w, p + i, 32);
            if ((w[0] | w[1] | w[2] | w[3]) & high) break;
            i += 32;
        }
        while (n - i >= 8) {
            uint64_t w;
            memcpy(&w, p + i, 8);
            if (w & high) break;
            i += 8;
        }
        while (i < n && p[i] < 0x80) i++;
        return i;
    }

    /* RFC 3629 section 4, as "how many more bytes, and in which range must the next one lie".
       Returns 1 while the bytes can still become valid UTF-8, else 0. */
    static int tw_utf8_feed(tw_utf8 *s, const uint8_t *p, size_t n) {
        size_t i = 0;
        while (i < n) {
            if (s->need == 0) {
                i += tw_ascii_run(p + i, n - i);
                if (i == n) break;
                uint8_t b = p[i++];
                s->lo = 0x80; s->hi = 0xBF;
                if (b >= 0xC2 && b <= 0xDF) s->need = 1;
                else if (b >= 0xE0 && b <= 0xEF) {
                    s->need = 2;
                    if (b == 0xE0) s->lo = 0xA0;        /* no overlong form */
                    else if (b == 0xED) s->hi = 0x9F;   /* no surrogate */
                } else if (b >= 0xF0 && b <= 0xF4) {
                    s->need = 3;
                    if (b == 0xF0) s->lo = 0x90;        /* no overlong form */
                    else if (b == 0xF4) s->hi = 0x8F;   /* nothing above U+10FFFF */
                } else return 0;
            } else {
                uint8_t b = p[i++];
                if (b < s->lo || b > s->hi) return 0;
                s->lo = 0x80; s->hi = 0xBF;
                s->need--;
            }
        }
        return 1;
    }

    static inline int tw_utf8_whole(const uint8_t *p, size_t n) {
        size_t run = tw_ascii_run(p, n);
        if (run == n) return 1;
        tw_utf8 s = {0, 0, 0};
        return tw_utf8_feed(&s, p + run, n - run) && s.need == 0;
    }

    /* RFC 6455 section 5.3. `key` holds the four key bytes in memory order. */
    static inline void tw_mask(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key) {
        uint64_t k = ((uint64_t)key << 32) | key;
        size_t i = 0;
        for (; n - i >= 8; i += 8) {
            uint64_t w;
            memcpy(&w, src + i, 8);
            w ^= k;
            memcpy(dst + i, &w, 8);
        }
        uint8_t kb[4];
        memcpy(kb, &key, 4);
        for (; i < n; i++) dst[i] = src[i] ^ kb[i & 3];
    }
    """
    bint tw_utf8_feed(tw_utf8* s, const uint8_t* p, size_t n) noexcept nogil
    bint tw_utf8_whole(const uint8_t* p, size_t n) noexcept nogil
    void tw_mask(uint8_t* dst, const uint8_t* src, size_t n, uint32_t key) noexcept nogil

cdef enum:
    RSV = 0x70
    MASKED = 0x80
    PROTOCOL_ERROR = 1002
    NO_STATUS_RCVD = 1005
    INVALID_DATA = 1007
    MESSAGE_TOO_BIG = 1009
    LONG_PART = 1024


cdef class MessageParser:
    """Turns the bytes that a server sends into messages and control frames.

    Args:
        max_message_size: The largest message to accept, in bytes; a larger one is refused at the
            header that announces it, with close code 1009.

    With :attr:`unchecked_text` set, the UTF-8 of text messages (RFC 6455 section 8.1) is left to
    whoever decodes them; that of close reasons is not.
    """

    def __cinit__(self, *args, Py_ssize_t max_message_size=4 * 1024 * 1024, **kwargs):
        # Above any message, and far enough below the largest number for the sums made with it.
        self.max_message_size = min(max_message_size, <Py_ssize_t>1 << 60)
        self.parts = []
        self.collected = []

    def feed(self, data):
        """Parse ``data`` and return what it completed: ``[(opcode, payload), ...]`` in order.

        After a violation :attr:`failure` is ``(close code, reason)``; after a close frame
        :attr:`close_code` is set. In both cases all further bytes are ignored.
        """
        cdef Py_buffer view
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            self.parse(<const uint8_t*>view.buf, view.len)
        finally:
            PyBuffer_Release(&view)
        got, self.collected = self.collected, []
        return got

    cdef int on_message(self, bytes payload, int opcode) except -1:
        """A whole data message. Overridden by the transport."""
        self.collected.append((opcode, payload))
        return 0

    cdef int on_control(self, int opcode, bytes payload) except -1:
        """A control frame, valid. Overridden by the transport."""
        self.collected.append((opcode, payload))
        return 0

    cdef int _fail(self, int code, str reason) except -1:
        self.failure = (code, reason)
        self.done = True
        self.partial = None
        self.parts = []
        return 0

    cdef int parse(self, const uint8_t* p, Py_ssize_t n) except -1:
        cdef const uint8_t* end = p + n
        cdef Py_ssize_t avail, length, head, take
        cdef uint8_t first
        cdef bytes payload
        while p < end and not self.done:
            avail = end - p
            if self.in_payload:
                take = self.frame_len - self.frame_have
                if take > avail:
                    take = avail
                memcpy(PyBytes_AS_STRING(self.partial) + self.frame_have, p, take)
                p += take
                self.filled(take)
                continue
            if self.head_have == 0 and self.message_opcode == 0 and avail >= 2:
                first = p[0]
                if (
                    first == FIN | OP_TEXT
                    or first == FIN | OP_BINARY
                    or (
                        self.inflater is not None
                        and (first == FIN | RSV1 | OP_TEXT or first == FIN | RSV1 | OP_BINARY)
                    )
                ):
                    length = p[1]
                    head = 2
                    if length == 126 and avail >= 4:
                        length = (p[2] << 8) | p[3]
                        head = 4
                    elif length > 125:
                        head = 0  # 64-bit length, masked, or header cut: the slow road
                    if head and length <= avail - head and length <= self.max_message_size:
                        p += head
                        if (
                            first == (FIN | OP_TEXT)
                            and not self.unchecked_text
                            and not tw_utf8_whole(p, length)
                        ):
                            self._fail(INVALID_DATA, "text message is not UTF-8")
                            return 0
                        payload = PyBytes_FromStringAndSize(<const char*>p, length)
                        p += length
                        if first & RSV1:
                            self._inflated(payload, first & 0x0F)
                        else:
                            self.on_message(payload, first & 0x0F)
                        continue
            if self._take_head(&p, end):
                self._begin_frame()
        return 0

    cdef int _take_head(self, const uint8_t** p, const uint8_t* end) except -1:
        """Move header bytes into `head`; 1 when the header is whole, its first two bytes legal."""
        cdef int want, opcode, length
        cdef uint8_t first, second
        while True:
            if self.head_have < 2:
                want = 2
            else:
                length = self.head[1] & 0x7F
                want = 4 if length == 126 else 10 if length == 127 else 2
            if self.head_have == want:
                return 1
            if p[0] == end:
                return 0
            self.head[self.head_have] = p[0][0]
            p[0] += 1
            self.head_have += 1
            if self.head_have != 2:
                continue
            first = self.head[0]
            second = self.head[1]
            opcode = first & 0x0F
            if first & RSV and not (
                first & RSV == RSV1
                and self.inflater is not None
                and (opcode == OP_TEXT or opcode == OP_BINARY)
            ):
                # RFC 7692 section 6: RSV1 marks a message's first frame, and no other.
                return self._fail(PROTOCOL_ERROR, "reserved bit set without an extension")
            if second & MASKED:
                return self._fail(PROTOCOL_ERROR, "masked frame from a server")
            if opcode >= OP_CLOSE:
                if opcode > OP_PONG:
                    return self._fail(PROTOCOL_ERROR, "reserved opcode")
                if not first & FIN:
                    return self._fail(PROTOCOL_ERROR, "fragmented control frame")
                if second > 125:
                    return self._fail(PROTOCOL_ERROR, "control frame longer than 125 bytes")
            elif opcode > OP_BINARY:
                return self._fail(PROTOCOL_ERROR, "reserved opcode")
            elif opcode == OP_CONT:
                if self.message_opcode == 0:
                    return self._fail(PROTOCOL_ERROR, "continuation without a message")
            elif self.message_opcode != 0:
                return self._fail(PROTOCOL_ERROR, "new message inside a fragmented one")

    cdef int _begin_frame(self) except -1:
        cdef uint64_t length = self.head[1] & 0x7F
        cdef Py_ssize_t limit
        cdef int i
        if length == 126:
            length = (self.head[2] << 8) | self.head[3]
        elif length == 127:
            length = 0
            for i in range(2, 10):
                length = (length << 8) | self.head[i]
            if length >> 63:
                return self._fail(PROTOCOL_ERROR, "frame length with the highest bit set")
        self.head_have = 0
        self.frame_opcode = self.head[0] & 0x0F
        self.frame_fin = (self.head[0] & FIN) != 0
        if self.frame_opcode < OP_CLOSE:
            if self.frame_opcode != OP_CONT:
                self.message_opcode = self.frame_opcode
                self.message_deflated = (self.head[0] & RSV1) != 0
                self.utf8.need = 0
            limit = self.max_message_size
            if self.message_deflated:
                # What cannot be compressed grows: by an eighth in the fixed code's literals of
                # nine bits, and by what begins and ends each block. The exact bound is kept when
                # inflating.
                limit += (limit >> 2) + 64
            if length > <uint64_t>(limit - self.message_len):
                return self._fail(
                    MESSAGE_TOO_BIG, f"message larger than {self.max_message_size} bytes"
                )
        self.frame_len = <Py_ssize_t>length
        self.frame_have = 0
        try:
            self.partial = PyBytes_FromStringAndSize(NULL, self.frame_len)
        except MemoryError:
            return self._fail(MESSAGE_TOO_BIG, "message larger than the memory")
        if self.frame_len == 0:
            return self._end_frame()
        self.in_payload = True
        return 0

    cdef int filled(self, Py_ssize_t n) except -1:
        """`n` more payload bytes stand in `partial`, put there by `parse` or by the transport."""
        if (
            self.message_opcode == OP_TEXT
            and self.frame_opcode < OP_CLOSE
            and not self.message_deflated
            and not self.unchecked_text
            and not tw_utf8_feed(
                &self.utf8, <const uint8_t*>PyBytes_AS_STRING(self.partial) + self.frame_have, n
            )
        ):
            self.in_payload = False
            return self._fail(INVALID_DATA, "text message is not UTF-8")
        self.frame_have += n
        if self.frame_have == self.frame_len:
            self.in_payload = False
            return self._end_frame()
        return 0

    cdef int _end_frame(self) except -1:
        cdef bytes payload = self.partial
        cdef int opcode
        self.partial = None
        if self.frame_opcode >= OP_CLOSE:
            return self._end_control(self.frame_opcode, payload)
        self.message_len += self.frame_len
        if not self.frame_fin:
            self._keep(payload)
            return 0
        if self.parts:
            self.parts.append(payload)
            payload = b"".join(self.parts)
            self.parts.clear()
        opcode = self.message_opcode
        self.message_opcode = 0
        self.message_len = 0
        if self.message_deflated:
            self.message_deflated = False
            return self._inflated(payload, opcode)
        if opcode == OP_TEXT and self.utf8.need:
            return self._fail(INVALID_DATA, "text message is not UTF-8")
        return self.on_message(payload, opcode)

    cdef int _keep(self, bytes part) except -1:
        """Hold a fragment until its message is whole. An object of its own costs more than it
        holds if the fragment is short, and there may be millions: those are put together."""
        cdef Py_ssize_t held = len(self.parts)
        cdef object last = self.parts[held - 1] if held else None
        if PyBytes_GET_SIZE(part) >= LONG_PART:
            self.parts.append(part)
        elif type(last) is bytearray:
            last.extend(part)
        elif PyBytes_GET_SIZE(part):
            self.parts.append(bytearray(part))
        return 0

    cdef int _inflated(self, bytes payload, int opcode) except -1:
        """A whole compressed message: inflate it, then check and deliver it like any other."""
        cdef bytes data
        try:
            data = self.inflater.inflate(payload, self.max_message_size)
        except InflateError as error:
            return self._fail(error.close_code, str(error))
        if (
            opcode == OP_TEXT
            and not self.unchecked_text
            and not tw_utf8_whole(
                <const uint8_t*>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data)
            )
        ):
            return self._fail(INVALID_DATA, "text message is not UTF-8")
        return self.on_message(data, opcode)

    cdef int _end_control(self, int opcode, bytes payload) except -1:
        cdef Py_ssize_t n = PyBytes_GET_SIZE(payload)
        cdef const uint8_t* p = <const uint8_t*>PyBytes_AS_STRING(payload)
        cdef int code
        if opcode == OP_CLOSE:
            if n == 0:
                self.close_code = NO_STATUS_RCVD
                self.close_reason = ""
            elif n == 1:
                return self._fail(PROTOCOL_ERROR, "close frame with half a code")
            else:
                code = (p[0] << 8) | p[1]
                if not (3000 <= code <= 4999 or 1000 <= code <= 1003 or 1007 <= code <= 1014):
                    return self._fail(PROTOCOL_ERROR, f"close code {code} may not be sent")
                if not tw_utf8_whole(p + 2, n - 2):
                    return self._fail(INVALID_DATA, "close reason is not UTF-8")
                self.close_code = code
                self.close_reason = payload[2:].decode()
            self.done = True
        return self.on_control(opcode, payload)


cdef class MaskKeys:
    """Masking keys from a CSPRNG (RFC 6455 section 5.3), drawn in bulk.

    Args:
        source: ``source(n)`` gives ``n`` unpredictable bytes; ``os.urandom`` unless a test asks
            for something it can foresee.
    """

    def __init__(self, source=urandom):
        self.source = source
        self.pool = b""
        self.used = 0

    cdef uint32_t next(self) except? 0:
        cdef uint32_t key
        if self.used == PyBytes_GET_SIZE(self.pool):
            self.pool = self.source(4096)
            self.used = 0
        memcpy(&key, PyBytes_AS_STRING(self.pool) + self.used, 4)
        self.used += 4
        return key

    def take(self):
        """The next key, as four bytes."""
        cdef uint32_t key = self.next()
        return PyBytes_FromStringAndSize(<const char*>&key, 4)


cdef Py_ssize_t frame_size(Py_ssize_t payload_len) noexcept:
    """Bytes that a masked frame takes: header, key and payload."""
    return payload_len + (6 if payload_len < 126 else 8 if payload_len < 65536 else 14)


cdef void write_frame(
    uint8_t* dst, int first_byte, const uint8_t* src, Py_ssize_t n, uint32_t key
) noexcept:
    """Write one masked frame; `dst` has room for `frame_size(n)` bytes."""
    cdef int i
    dst[0] = <uint8_t>first_byte
    if n < 126:
        dst[1] = <uint8_t>(MASKED | n)
        dst += 2
    elif n < 65536:
        dst[1] = MASKED | 126
        dst[2] = <uint8_t>(n >> 8)
        dst[3] = <uint8_t>n
        dst += 4
    else:
        dst[1] = MASKED | 127
        for i in range(8):
            dst[2 + i] = <uint8_t>(<uint64_t>n >> (56 - 8 * i))
        dst += 10
    memcpy(dst, &key, 4)
    tw_mask(dst + 4, src, n, key)


def encode_frame(int opcode, payload, bytes key not None, bint fin=True, bint rsv1=False):
    """One masked frame as bytes.

    Args:
        opcode: See :class:`~tickwire.wire.Opcode`.
        payload: Bytes-like; read, not kept.
        key: The masking key, four bytes.
        fin: Whether the frame ends its message.
        rsv1: Whether it begins a compressed message (RFC 7692 section 6).
    """
    cdef Py_buffer view
    cdef uint32_t k
    cdef bytes out
    if PyBytes_GET_SIZE(key) != 4:
        raise ValueError("a masking key has four bytes")
    memcpy(&k, PyBytes_AS_STRING(key), 4)
    PyObject_GetBuffer(payload, &view, PyBUF_SIMPLE)
    try:
        out = PyBytes_FromStringAndSize(NULL, frame_size(view.len))
        write_frame(
            <uint8_t*>PyBytes_AS_STRING(out),
            opcode | (FIN if fin else 0) | (RSV1 if rsv1 else 0),
            <const uint8_t*>view.buf,
            view.len,
            k,
        )
    finally:
        PyBuffer_Release(&view)
    return out


def is_utf8(data):
    """Whether ``data`` (bytes-like) is whole, valid UTF-8 (RFC 3629)."""
    cdef Py_buffer view
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        return bool(tw_utf8_whole(<const uint8_t*>view.buf, view.len))
    finally:
        PyBuffer_Release(&view)
