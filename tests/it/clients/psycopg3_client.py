"""psycopg 3, which uses libpq and its PG* variables; a pool of it opens connections later."""

import os
import sys
import threading
import time

import psycopg
from psycopg_pool import ConnectionPool

conninfo = os.environ.get("DATABASE_URL", "")


def who(connection):
    return connection.execute("select current_user || '|' || current_database()").fetchone()[0]


def cancel_when_running(connection):
    time.sleep(0.5)
    connection.cancel_safe()


connection = psycopg.connect(conninfo, autocommit=True)
print("who:", who(connection))
print("parameters:", *connection.execute("select %s::int + 1, %s::text", (41, "é")).fetchone())
canceller = threading.Thread(target=cancel_when_running, args=[connection])
canceller.start()
try:
    connection.execute("select pg_sleep(20)")
except psycopg.Error as error:
    print("cancelled:", error.sqlstate)
canceller.join()
try:
    connection.execute("select * from missing")
except psycopg.Error as error:
    print("error:", error.sqlstate)
try:
    psycopg.connect(conninfo, user=os.environ["OTHER_ROLE"])
except psycopg.OperationalError as error:
    print("refused:", str(error).split("FATAL:  ")[1].strip())
with ConnectionPool(conninfo, min_size=0, max_size=2) as pool:
    print("ready", flush=True)
    sys.stdin.readline()
    print("still:", who(connection))
    with pool.connection() as pooled:
        print("again:", who(pooled))
