"""crc32c: the published values, and the same by dividing one bit after another."""

import numpy as np
import pytest

from elmo_np.io import crc32c as module
from elmo_np.io.crc32c import crc32c, masked_crc32c


def slow(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


@pytest.mark.parametrize(("data", "expected"), [
    (b"", 0), (b"123456789", 0xE3069283), (bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43),
    (bytes(range(32)), 0x46DD794E)])
def test_the_values_of_the_standard(data, expected):
    """RFC 3720, appendix B.4."""
    assert crc32c(data) == expected


@pytest.mark.parametrize("size", [1, 1023, 1024, 1025, 2048, 7 * 1024 + 5])
def test_pieces_in_parallel_give_the_same_as_one_bit_after_another(size):
    data = np.random.default_rng(size).bytes(size)
    assert crc32c(data) == slow(data)


def test_several_blocks_give_the_same(monkeypatch):
    monkeypatch.setattr(module, "LANES", 4)
    data = np.random.default_rng(0).integers(0, 256, 11 * 1024 + 5, np.uint8)
    assert crc32c(data) == crc32c(memoryview(data)) == slow(data.tobytes())


def test_the_mask_is_that_of_leveldb():
    crc = crc32c(b"foo")
    assert masked_crc32c(b"foo") == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
    assert masked_crc32c(b"foo") != crc
