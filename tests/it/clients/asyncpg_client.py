"""asyncpg, which speaks the protocol itself and reads the PG* variables."""

import asyncio
import os
import sys

import asyncpg

url = os.environ.get("DATABASE_URL")


async def who(connection):
    return await connection.fetchval("select current_user || '|' || current_database()")


async def main():
    connection = await asyncpg.connect(url)
    print("who:", await who(connection))
    print("parameters:", *await connection.fetchrow("select $1::int + 1, $2::text", 41, "é"))
    # Its own time-out sends a cancel request.
    try:
        await connection.execute("select pg_sleep(20)", timeout=0.5)
    except asyncio.TimeoutError:
        print("cancelled: TimeoutError")
    try:
        await connection.fetch("select * from missing")
    except asyncpg.PostgresError as error:
        print("error:", error.sqlstate)
    try:
        await asyncpg.connect(url, user=os.environ["OTHER_ROLE"])
    except asyncpg.PostgresError as error:
        print("refused:", error.message)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    print("still:", await who(connection))
    async with asyncpg.create_pool(url, min_size=0, max_size=2) as pool:
        print("again:", await who(pool))


asyncio.run(main())
