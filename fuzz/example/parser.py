"""A parser of frames for the oracles to judge, in a process of its own: lines in, lines out."""
import sys

CODES = {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}

def events(data, masks, max_bytes, max_fragments, max_empty):
    """Takes frames off data, and yields what they amount to; an empty line when more bytes are needed."""
    kind, parts = 0, []
    while True:
        while len(data) < 2: yield ""
        fin, opcode, form = data[0] >> 7, data[0] & 15, data[1] & 127
        assert data[0] & 0x70 == 0 and opcode in (0, 1, 2, 8, 9, 10) and data[1] >> 7 == masks
        assert (fin and form < 126) if opcode >= 8 else (opcode == 0) == bool(kind)
        size = {126: 2, 127: 8}.get(form, 0)
        start = 2 + size + 4 * masks
        while len(data) < start: yield ""
        length = int.from_bytes(data[2 : 2 + size], "big") if size else form
        assert {0: 0, 2: 126, 8: 65536}[size] <= length < 2**63
        while len(data) < start + length: yield ""
        key = data[start - 4 : start] if masks else bytes(4)
        payload = bytes(byte ^ key[i % 4] for i, byte in enumerate(data[start : start + length]))
        del data[: start + length]
        if opcode == 8:
            assert not payload or (code := int.from_bytes(payload[:2], "big")) in CODES
            yield f"close {code} {payload[2:].decode().encode().hex()}" if payload else "close"
            return
        if opcode > 8: yield f"{'ping' if opcode == 9 else 'pong'} {payload.hex()}"
        if opcode > 8: continue
        kind, parts, whole = kind or opcode, parts + [payload], b"".join(parts + [payload])
        assert len(whole) <= max_bytes and len(parts) <= max_fragments and parts.count(b"") <= max_empty
        if fin: yield f"text {whole.decode().encode().hex()}" if kind == 1 else f"binary {whole.hex()}"
        if fin: kind, parts = 0, []

for line in sys.stdin:
    command, *rest = line.split()
    if command == "open":
        parser = events(data := bytearray(), rest[0] == "client", *map(int, rest[1:]))
        print("judges message")
    else:
        data += bytes.fromhex("".join(rest))
        try:
            while event := next(parser, ""): print(event)
        except (AssertionError, UnicodeDecodeError):
            print("failed")
    print("done", flush=True)
