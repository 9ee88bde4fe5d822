"""The am_send slot of a type, for which Cython has no syntax.

`await` finds a value through tp_iternext by a StopIteration that carries it: an exception made and
unmade per message. Where the interpreter asks am_send first (since 3.10), the value is returned as
it is. The slot gives 0 with the value that an awaitable ends with, 1 with what it waits on, each a
new reference, and -1 with an exception.
"""

from cpython.ref cimport PyObject

cdef extern from *:
    """
    static void tw_set_am_send(PyTypeObject *type,
                               int (*f)(PyObject *, PyObject *, PyObject **)) {
    #ifndef Py_LIMITED_API
        if (type->tp_as_async) type->tp_as_async->am_send = (sendfunc)f;
    #else
        (void)type; (void)f;
    #endif
    }
    """
    void set_am_send "tw_set_am_send" (
        type cls, int (*f)(PyObject*, PyObject*, PyObject**) except -1
    )
