"""A client by the package websockets, which says what it expects and did not get.

    client.py URL CA VERSION
"""
import asyncio
import ssl
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

# Pieces are sent as a fragmented message.
MESSAGES = ["", "Grüße, 世界", bytes(range(256)), ["in ", "three ", "pieces"], [b"\x00", b"\xff" * 70000], bytes(5 * 2**20)]


async def main(url, ca, version):
    context = ssl.create_default_context(cafile=ca)
    context.minimum_version = context.maximum_version = ssl.TLSVersion[f"TLSv{version.replace('.', '_')}"]
    context.set_alpn_protocols(["h2", "http/1.1"])
    options = {"ssl": context, "max_size": None, "proxy": None}

    async with connect(f"{url}/echo", **options) as connection:
        tls = connection.transport.get_extra_info("ssl_object")
        expect(tls.version(), f"TLSv{version}")
        expect(tls.selected_alpn_protocol(), "http/1.1")
        for message in MESSAGES:
            await connection.send(message)
            whole = type(message[0])().join(message) if isinstance(message, list) else message
            expect(await connection.recv(), whole)
        await (await connection.ping(b"are you there?"))
        await connection.close(4001, "said by the peer")
        expect((connection.close_code, connection.close_reason), (4001, "said by the peer"))

    async with connect(f"{url}/close", **options) as connection:
        try:
            expect(await connection.recv(), "a Close")
        except ConnectionClosed as closed:
            expect((closed.rcvd.code, closed.rcvd.reason), (4002, "said by plainws"))


def expect(got, expected):
    if got != expected:
        sys.exit(f"{got!r:.100} is not {expected!r:.100}")


asyncio.run(main(*sys.argv[1:]))
