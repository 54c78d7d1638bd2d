"""Sends each message back, by the package websockets."""
import asyncio
import logging

from websockets.asyncio.server import serve

# No compression, since none is examined; and room for the longest message of the cases, 16 MiB.
OPTIONS = {"compression": None, "max_size": 64 * 2**20}
# Each connection that is failed would be told with its stack.
logging.getLogger("websockets").setLevel(logging.CRITICAL)


async def echo(connection):
    async for message in connection:
        await connection.send(message)


async def main():
    async with serve(echo, "127.0.0.1", 0, **OPTIONS) as server:
        port = server.sockets[0].getsockname()[1]
        print(f"ws://127.0.0.1:{port}", flush=True)
        await server.serve_forever()


asyncio.run(main())
