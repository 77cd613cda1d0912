"""The checksum that Google Cloud Storage keeps of every object."""

import base64

import google_crc32c


class Crc32c:
    """CRC32C of bytes that come in pieces."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes) -> None:
        """Append bytes."""
        self._value = google_crc32c.extend(self._value, data)

    def text(self) -> str:
        """The value as an object's properties give it: base64 of four big-endian bytes."""
        return base64.b64encode(self._value.to_bytes(4, "big")).decode()
