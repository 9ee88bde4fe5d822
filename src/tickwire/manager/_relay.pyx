# cython: language_level=3, boundscheck=False, wraparound=False
"""Lists in, one item at a time out: what `async for` runs over when it reads a managed stream.

An asynchronous generator costs more per message than the transport's whole receive path. Here an
item that is there is handed over without suspending and, where the interpreter asks `am_send`
(3.10 and 3.11), without an exception to carry it. Only an empty list costs a coroutine: `fill()`,
which gives the next list.

An item leaves the list in the step in which its task runs, so that a cancelled wait takes none with
it. The pure-Python twin is _relay_py.py.
"""

from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.ref cimport Py_DECREF, Py_INCREF, PyObject

from tickwire.transport._am_send cimport set_am_send

cdef extern from *:
    """
    static int tw_iter_send(PyObject *iter, PyObject *arg, PyObject **result) {
        return (int)PyIter_Send(iter, arg, result);
    }
    """
    int tw_iter_send(PyObject* iterator, PyObject* arg, PyObject** result) except -1


cdef class Relay:
    """An asynchronous iterator over the items of successive lists.

    Args:
        fill: Called without arguments when there is nothing left; a coroutine function that gives
            the next list, which the relay then owns. It ends the iteration by raising
            StopAsyncIteration.
    """
    cdef object fill
    cdef object items  # a list or a subclass of it, such as a Batch
    cdef Py_ssize_t index
    cdef Step step

    def __init__(self, fill):
        self.fill = fill
        self.items = []
        self.index = 0
        self.step = None

    def __aiter__(self):
        return self

    def __anext__(self):
        cdef Step step = self.step
        if step is None or step.handed:
            # The first one, or several tasks at once: each has a wait of its own.
            step = Step.__new__(Step)
            step.relay = self
            if self.step is None:
                self.step = step
        step.handed = True
        return step

    def __len__(self):
        """Items that wait."""
        return PyList_GET_SIZE(self.items) - self.index

    cdef put(self, items):
        if not isinstance(items, list):
            raise TypeError(f"fill() gives lists, not {type(items).__name__}")
        if self.index < PyList_GET_SIZE(self.items):
            # Another task's list came first.
            self.items = [*self.items[self.index:], *items]
        else:
            self.items = items
        self.index = 0


cdef class Step:
    """One wait for an item: the awaitable and its iterator in one object."""
    cdef Relay relay
    cdef object filling
    cdef bint handed

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        return self._advance(None)

    def send(self, value):
        return self._advance(value)

    def throw(self, kind, value=None, traceback=None):
        error = kind if value is None else value
        if isinstance(error, type):
            error = error()
        if self.filling is None:
            self.handed = False
            raise error
        try:
            return self.filling.throw(error)
        except StopIteration as done:
            # It had its list before it could be stopped.
            self.filling = None
            self.relay.put(done.value)
            return self._advance(None)
        except BaseException:
            self.filling = None
            self.handed = False
            raise

    def close(self):
        filling, self.filling = self.filling, None
        self.handed = False
        if filling is not None:
            filling.close()

    cdef _advance(self, value):
        cdef PyObject* out = NULL
        cdef int waits = self.advance(<PyObject*>value, &out)
        result = <object>out
        Py_DECREF(result)
        if not waits:
            raise StopIteration(result)
        return result

    cdef int advance(self, PyObject* value, PyObject** out) except -1:
        """0: `out` is the item; 1: `out` is what the task must wait on (a new reference each)."""
        cdef Relay relay = self.relay
        cdef PyObject* item
        cdef PyObject* result
        cdef int waits
        while True:
            if self.filling is None:
                if relay.index < PyList_GET_SIZE(relay.items):
                    item = <PyObject*>PyList_GET_ITEM(relay.items, relay.index)
                    Py_INCREF(<object>item)
                    relay.index += 1
                    self.handed = False
                    out[0] = item
                    return 0
                self.filling = relay.fill()
                value = <PyObject*>None
            result = NULL
            try:
                waits = tw_iter_send(<PyObject*>self.filling, value, &result)
            except BaseException:
                self.filling = None
                self.handed = False
                raise
            if waits:
                out[0] = result
                return 1
            self.filling = None
            items = <object>result
            Py_DECREF(items)
            relay.put(items)


cdef int _step_am_send(PyObject* self, PyObject* value, PyObject** out) except -1:
    """The am_send slot: PYGEN_RETURN is 0, PYGEN_ERROR -1, PYGEN_NEXT 1, as `advance` has them."""
    return (<Step>self).advance(value, out)


set_am_send(Step, _step_am_send)
