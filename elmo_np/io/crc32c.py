"""CRC-32C, the checksum of TensorFlow's checkpoints, over many bytes at a time.

The bits of a text are the coefficients of a polynomial over GF(2), and its CRC is the remainder of the division by the
Castagnoli polynomial. The remainder is linear, so that pieces are divided on their own, all in parallel, and then
combined: the remainder of a text with n zero bits after it is that of the text moved on by n bits, which is a matrix.

    crc(a b) = advance(crc(a), length of b) ^ crc(b)

Source: Castagnoli et al. 1993; RFC 3720, appendix B.4, for the order of bits, the initial and the final value.
"""

from functools import cache
from typing import Any

import numpy as np

from ..types import Array

POLYNOMIAL = 0x82F63B78     # x^28 + x^27 + ... + 1, the highest power in the lowest bit
ALL = 0xFFFFFFFF
PIECE, LANES = 1024, 4096   # bytes that are divided on their own, and how many of these in parallel; powers of two
MASK = 0xA282EAD8           # TensorFlow and LevelDB store a checksum turned by 15 bits, plus this


def masked_crc32c(data: Any) -> int:
    """The checksum of a contiguous buffer, as TensorFlow stores it."""
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + MASK) & ALL


def crc32c(data: Any) -> int:
    """The checksum of a contiguous buffer."""
    octets: Array = np.frombuffer(data, np.uint8)
    crc = ALL
    begin = 0
    while pieces := (len(octets) - begin) // PIECE:
        length = PIECE * min(LANES, 1 << pieces.bit_length() - 1)
        words = octets[begin:begin + length].view("<u4").reshape(-1, PIECE // 4)
        crc = int(_advance(np.array([crc], np.uint32), 8 * length)[0]) ^ _of_block(words)
        begin += length
    return _of_bytes(octets[begin:].tobytes(), crc) ^ ALL


def _of_block(words: Array) -> int:
    """The remainder of pieces (their number, words of 32 bits in each); their number is a power of two."""
    low, high = _tables()
    r = np.zeros(len(words), np.uint32)
    for column in np.ascontiguousarray(words.T):        # a word of every piece
        r ^= column
        r = low[r & 0xFFFF] ^ high[r >> 16]
    bits = 8 * PIECE
    while len(r) > 1:                                   # pairs of neighbours
        r = _advance(r[::2], bits) ^ r[1::2]
        bits *= 2
    return int(r[0])


def _of_bytes(data: bytes, crc: int) -> int:
    """The remainder of a few bytes after a text with the remainder `crc`."""
    table = _byte_table()
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc


@cache
def _byte_table() -> list[int]:
    table = list(range(256))
    for _ in range(8):
        table = [r >> 1 ^ (POLYNOMIAL if r & 1 else 0) for r in table]
    return table


@cache
def _tables() -> tuple[Array, Array]:
    """The remainders of the lower and the upper half of a word, moved on by its 32 bits."""
    halves = np.arange(1 << 16, dtype=np.uint32)
    return _advance(halves, 32), _advance(halves << 16, 32)


def _advance(r: Array, bits: int) -> Array:
    """Remainders moved on by so many zero bits."""
    result = np.zeros_like(r)
    for k, column in enumerate(_matrix(bits)):
        result ^= np.where(r >> np.uint32(k) & 1, column, np.uint32(0))
    return result


@cache
def _matrix(bits: int) -> Array:
    """Where the 32 powers go, one in each column, when a text is followed by so many zero bits, a power of two."""
    if bits == 1:
        powers = [POLYNOMIAL, *(1 << k for k in range(31))]
        return np.array(powers, np.uint32)
    half = bits // 2
    return _advance(_matrix(half), half)
