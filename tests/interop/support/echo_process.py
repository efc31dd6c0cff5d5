# SPDX-License-Identifier: MIT
"""An echo service that a test may kill: python3 echo_process.py PORT, on loopback, until it is killed."""
import asyncio
import sys


async def echo(reader, writer):
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def main(port):
    server = await asyncio.start_server(echo, "127.0.0.1", port, reuse_address=True, backlog=1024)
    await server.serve_forever()


asyncio.run(main(int(sys.argv[1])))
