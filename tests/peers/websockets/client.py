"""Plays all cases of `plainws check --listen` as a client, by the package websockets."""
import asyncio
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

# No compression, since none is examined; and room for the longest message of the cases, 16 MiB.
OPTIONS = {"compression": None, "max_size": 64 * 2**20, "proxy": None}


async def main(url):
    async with connect(f"{url}/getCaseCount", **OPTIONS) as connection:
        count = int(await connection.recv())
    for case in range(1, count + 1):
        try:
            async with connect(f"{url}/runCase?case={case}&agent=websockets", **OPTIONS) as connection:
                async for message in connection:
                    await connection.send(message)
        except (ConnectionClosed, InvalidHandshake):
            pass
    async with connect(f"{url}/updateReports?agent=websockets", **OPTIONS) as connection:
        await connection.wait_closed()


asyncio.run(main(sys.argv[1]))
