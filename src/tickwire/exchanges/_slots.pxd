# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Filling the fields of events where they lie.

A field of a `msgspec.Struct` is a slot like those of `__slots__`: its descriptor says where, and a
value is put there as a descriptor's setter would, without the look-ups.
"""

from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF

cdef extern from "structmember.h":
    ctypedef struct PyMemberDef:
        int type
        Py_ssize_t offset
    int T_OBJECT_EX

cdef extern from *:
    """
    #include <Python.h>
    #include <structmember.h>
    static PyMemberDef *tickwire_member(PyObject *descriptor) {
        return Py_IS_TYPE(descriptor, &PyMemberDescr_Type)
            ? ((PyMemberDescrObject *)descriptor)->d_member : NULL;
    }
    """
    PyMemberDef* tickwire_member(object descriptor)

cdef inline void put(object event, Py_ssize_t offset, object value) noexcept:
    cdef PyObject** slot = <PyObject**>(<char*><PyObject*>event + offset)
    cdef PyObject* old = slot[0]
    Py_INCREF(value)
    slot[0] = <PyObject*>value
    Py_XDECREF(old)


cdef inline Py_ssize_t slot_of(type kind, str field) except -1:
    cdef PyMemberDef* member = tickwire_member(getattr(kind, field))
    if member == NULL or member.type != T_OBJECT_EX:
        raise TypeError(f"{kind.__name__}.{field} is no field")
    return member.offset
