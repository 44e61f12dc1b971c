# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
# cython: freethreading_compatible=True
# distutils: language = c
"""The compiled twins of elmo_np's equation functions: same names, arguments and results (elmo_np/backend.py).

One extension, because Cython's support for memoryviews takes longer to compile than all kernels; one file per idea.
The layers check shapes, dtypes and id ranges: a kernel only computes.
"""
import numpy as np
from cpython.buffer cimport PyBuffer_FillInfo
from cython cimport floating, pymutex
from libc.math cimport INFINITY, sqrt, sqrtf
from libc.stdint cimport int64_t, uintptr_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

cdef extern from *:
    const char *source_sha256 "SOURCE_SHA256"       # setup.py defines it

SOURCE_SHA256 = source_sha256.decode()      # of the files that this extension was compiled from: source_digest.py

include "memory.pxi"
include "simd.pxi"
include "matmul.pxi"
include "char_cnn.pxi"
include "lstm.pxi"
include "gru.pxi"
include "softmax.pxi"
include "embedding.pxi"
include "optim.pxi"
include "averaging.pxi"
