"""The canonical encoding of spec/encoding.md: what is read is refused unless it has exactly one form."""


class Malformed(Exception):
    """Bytes that are not the structure that they should be."""


class Reader:
    """Takes fields from the front of bytes."""

    def __init__(self, data):
        self.data, self.place = data, 0

    def take(self, count):
        end = self.place + count
        if end > len(self.data):
            raise Malformed("an end before the last field")
        part, self.place = self.data[self.place:end], end
        return part

    def number(self, size):
        return int.from_bytes(self.take(size), "little")

    def u8(self):
        return self.number(1)

    def u32(self):
        return self.number(4)

    def u64(self):
        return self.number(8)

    def choice(self, cases):
        number = self.u8()
        if number >= cases:
            raise Malformed(f"case {number} of {cases}")
        return number

    def flag(self):
        return self.choice(2) == 1

    def optional(self, read):
        return read(self) if self.flag() else None

    def blob(self):
        return self.take(self.u32())

    def text(self):
        try:
            return self.blob().decode("utf-8")
        except UnicodeDecodeError:
            raise Malformed("text that is not UTF-8") from None

    def list(self, read):
        return [read(self) for _ in range(self.u32())]

    def header(self, kind):
        if self.take(3) != bytes([1, 1, kind]):
            raise Malformed("another version, suite or type")

    def end(self):
        if self.place != len(self.data):
            raise Malformed("bytes after the end")


def parse(data, read):
    """All of the bytes as one structure."""
    reader = Reader(data)
    value = read(reader)
    reader.end()
    return value


def number(value, size):
    return value.to_bytes(size, "little")


def blob(data):
    return number(len(data), 4) + data


def header(kind):
    return bytes([1, 1, kind])
