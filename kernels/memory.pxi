"""Memory that is used again from step to step: a training step asks for the same arrays as the one before it.

New memory has to be mapped and cleared by the system, which takes as long as filling it does. So a block is kept when
its last array is gone, and handed out to the next that fits. All of this runs with the interpreter held.
"""

cdef enum:
    LINE = 64           # bytes of a cache line
    BLOCKS = 64         # blocks kept at the most: a step of two directions has some 40 at a time

cdef size_t KEPT_BYTES = 256 << 20      # and their bytes: more than a step of any model that a laptop trains

cdef struct Memory:
    char *start
    size_t size

cdef Memory kept[BLOCKS]        # in the order in which they were last used
cdef int kept_count = 0


cdef Memory taken(int k):
    """The block number k, which is kept no longer."""
    global kept_count
    cdef Memory found = kept[k]
    kept_count -= 1
    while k < kept_count:
        kept[k] = kept[k + 1]
        k += 1
    return found


cdef class Block:
    """Bytes that begin on a cache line: a vector that lies across two lines takes twice as long to load."""
    cdef Memory memory
    cdef Py_ssize_t length

    def __cinit__(self, Py_ssize_t length):
        cdef size_t size = length + LINE
        cdef int k, best = -1
        for k in range(kept_count):             # the smallest that fits and is not mostly waste
            if size <= kept[k].size <= 2 * size and (best < 0 or kept[k].size < kept[best].size):
                best = k
        if best >= 0:
            self.memory = taken(best)
        else:
            self.memory = Memory(<char *>malloc(size), size)
        if self.memory.start == NULL:
            raise MemoryError(f"no memory for {length:,} bytes")
        self.length = length

    def __dealloc__(self):
        global kept_count
        cdef size_t total = self.memory.size
        cdef int k
        for k in range(kept_count):
            total += kept[k].size
        while kept_count and (kept_count == BLOCKS or total > KEPT_BYTES):
            total -= kept[0].size
            free(taken(0).start)
        if total > KEPT_BYTES:
            free(self.memory.start)
        elif self.memory.start != NULL:
            kept[kept_count] = self.memory
            kept_count += 1

    def __getbuffer__(self, Py_buffer *view, int flags):
        cdef char *start = self.memory.start + (LINE - <uintptr_t>self.memory.start % LINE) % LINE
        PyBuffer_FillInfo(view, self, start, self.length, 0, flags)


cdef object empty(tuple shape, bint single):
    """An array without numbers in it yet, as np.empty makes it."""
    cdef Py_ssize_t size = 4 if single else 8, length
    for length in shape:
        size *= length
    dtype = np.float32 if single else np.float64
    return np.frombuffer(Block(size), dtype).reshape(shape) if size else np.empty(shape, dtype)


cdef object zeros(tuple shape, bint single):
    array = empty(shape, single)
    array.fill(0)
    return array
