"""psycopg2, which uses libpq and its PG* variables."""

import os
import sys
import threading
import time

import psycopg2


def connect(**more):
    return psycopg2.connect(os.environ.get("DATABASE_URL", ""), **more)


def who(connection):
    with connection.cursor() as cursor:
        cursor.execute("select current_user || '|' || current_database()")
        return cursor.fetchone()[0]


def cancel_when_running(connection):
    time.sleep(0.5)
    connection.cancel()


connection = connect()
print("who:", who(connection))
with connection.cursor() as cursor:
    cursor.execute("select %s::int + 1, %s", (41, "é"))
    print("parameters:", *cursor.fetchone())
    canceller = threading.Thread(target=cancel_when_running, args=[connection])
    canceller.start()
    try:
        cursor.execute("select pg_sleep(20)")
    except psycopg2.Error as error:
        print("cancelled:", error.pgcode)
    canceller.join()
    connection.rollback()
    try:
        cursor.execute("select * from missing")
    except psycopg2.Error as error:
        print("error:", error.pgcode)
    connection.rollback()
try:
    connect(user=os.environ["OTHER_ROLE"])
except psycopg2.OperationalError as error:
    print("refused:", str(error).split("FATAL:  ")[1].strip())
print("ready", flush=True)
sys.stdin.readline()
print("still:", who(connection))
print("again:", who(connect()))
