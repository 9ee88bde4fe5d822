"""The system clocks for compiled modules: the same readings as clock.py, without a Python call."""

from libc.stdint cimport int64_t

cdef extern from *:
    """
    #if defined(_WIN32)
    #include <windows.h>
    static inline long long tw_wall_ns(void) {
        /* FILETIME counts 100 ns units since 1601. */
        FILETIME ft;
        GetSystemTimePreciseAsFileTime(&ft);
        unsigned long long t = ((unsigned long long)ft.dwHighDateTime << 32) | ft.dwLowDateTime;
        return (long long)(t - 116444736000000000ULL) * 100LL;
    }
    static inline long long tw_mono_ns(void) {
        LARGE_INTEGER c, f;
        QueryPerformanceCounter(&c);
        QueryPerformanceFrequency(&f);
        return (c.QuadPart / f.QuadPart) * 1000000000LL
             + (c.QuadPart % f.QuadPart) * 1000000000LL / f.QuadPart;
    }
    #else
    #include <time.h>
    static inline long long tw_wall_ns(void) {
        struct timespec t;
        clock_gettime(CLOCK_REALTIME, &t);
        return (long long)t.tv_sec * 1000000000LL + t.tv_nsec;
    }
    static inline long long tw_mono_ns(void) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (long long)t.tv_sec * 1000000000LL + t.tv_nsec;
    }
    #endif
    """
    int64_t wall_ns "tw_wall_ns" () nogil
    int64_t mono_ns "tw_mono_ns" () nogil
