"""Memory that is reused from step to step: a training step asks for the same arrays as the one before it.

The system has to map and clear new memory, which takes as long as filling it. So a block is kept when its last array is
gone, and handed out to the next array that fits. All of this runs with `kept_lock` held: a Python without an interpreter
lock makes and drops arrays in several threads at once.
"""

cdef enum:
    LINE = 64           # bytes of a cache line
    BLOCKS = 64         # maximum blocks kept: a step of two directions has some 40 at a time

# Maximum bytes of these blocks and of those in use: what is left of the memory in which the original ELMo has to embed.
# Training raises it (memory_limit). Arrays may use more; then no block is kept.
cdef size_t most_bytes = 160 << 20
cdef pymutex kept_lock          # of that limit and of the three below

cdef struct Memory:
    char *start
    size_t size

cdef Memory kept[BLOCKS]        # in the order in which they were last used
cdef int kept_count = 0
cdef size_t held_bytes = 0      # by arrays


cdef Memory taken(int k) noexcept:
    """Removes block k from those kept."""
    global kept_count
    cdef Memory found = kept[k]
    kept_count -= 1
    while k < kept_count:
        kept[k] = kept[k + 1]
        k += 1
    return found


cdef void let_go(size_t coming, int most) noexcept:
    """Free the least recently used blocks until `coming` more bytes fit and at most `most` blocks are left."""
    cdef size_t total = held_bytes + coming
    cdef int k
    for k in range(kept_count):
        total += kept[k].size
    while kept_count and (kept_count > most or total > most_bytes):
        total -= kept[0].size
        free(taken(0).start)


def memory_limit(size_t bytes):
    """Let blocks kept and in use hold so many bytes; returns the limit before."""
    global most_bytes
    cdef size_t before
    with kept_lock:
        before = most_bytes
        most_bytes = bytes
        let_go(0, BLOCKS)
    return before


cdef class Block:
    """Bytes that begin on a cache line: a vector that crosses two lines takes twice as long to load."""
    cdef Memory memory
    cdef Py_ssize_t length

    def __cinit__(self, Py_ssize_t length):
        global held_bytes
        cdef size_t size = length + LINE
        cdef int k, best = -1
        with kept_lock:
            for k in range(kept_count):         # the smallest that fits without wasting more than half
                if size <= kept[k].size <= 2 * size and (best < 0 or kept[k].size < kept[best].size):
                    best = k
            if best >= 0:
                self.memory = taken(best)
            else:
                let_go(size, BLOCKS)
                self.memory = Memory(<char *>malloc(size), size)
            if self.memory.start != NULL:
                held_bytes += self.memory.size
        if self.memory.start == NULL:
            raise MemoryError(f"no memory for {length:,} bytes")
        self.length = length

    def __dealloc__(self):
        global kept_count, held_bytes
        if self.memory.start == NULL:
            return
        with kept_lock:
            held_bytes -= self.memory.size
            let_go(self.memory.size, BLOCKS - 1)
            if held_bytes + self.memory.size > most_bytes:
                free(self.memory.start)
            else:
                kept[kept_count] = self.memory
                kept_count += 1

    def __getbuffer__(self, Py_buffer *view, int flags):
        cdef char *start = self.memory.start + (LINE - <uintptr_t>self.memory.start % LINE) % LINE
        PyBuffer_FillInfo(view, self, start, self.length, 0, flags)


cdef object empty(tuple shape, bint single):
    """An uninitialised array, as np.empty makes it."""
    cdef Py_ssize_t size = 4 if single else 8, length
    for length in shape:
        size *= length
    dtype = np.float32 if single else np.float64
    return np.frombuffer(Block(size), dtype).reshape(shape) if size else np.empty(shape, dtype)


cdef object zeros(tuple shape, bint single):
    array = empty(shape, single)
    array.fill(0)
    return array
