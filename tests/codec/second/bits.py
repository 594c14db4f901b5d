"""Numbers of 32 bits and their hash."""

M32 = 0xFFFFFFFF


def hash2(a, b):
    h = ((a ^ b * 0x9E3779B1) & M32) * 0x85EBCA6B & M32
    return h ^ h >> 15
