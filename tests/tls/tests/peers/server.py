"""A server by the package websockets. It sends back what comes; a text may be an order instead.

    server.py CERT KEY VERSION
"""
import asyncio
import ssl
import sys

from websockets.asyncio.server import serve


async def handle(connection):
    async for message in connection:
        if message == "fragments":
            await connection.send(["in ", "three ", "pieces"])
        elif message == "ping":
            await (await connection.ping(b"are you there?"))
            await connection.send("a pong came")
        elif message == "close":
            await connection.close(4001, "said by the peer")
        else:
            await connection.send(message)


async def main(cert, key, version):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    context.minimum_version = context.maximum_version = ssl.TLSVersion[f"TLSv{version.replace('.', '_')}"]
    context.set_alpn_protocols(["http/1.1"])
    async with serve(handle, "127.0.0.1", 0, ssl=context, max_size=None) as server:
        print(f"wss://localhost:{server.sockets[0].getsockname()[1]}", flush=True)
        await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
