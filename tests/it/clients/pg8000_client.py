"""pg8000, which speaks the protocol itself. It reads no variables, and has no cancel."""

import os
import sys
from urllib.parse import unquote, urlsplit

import pg8000.native


def settings():
    if url := os.environ.get("DATABASE_URL"):
        parts = urlsplit(url)
        return {
            "user": unquote(parts.username),
            "password": unquote(parts.password),
            "host": parts.hostname,
            "port": parts.port,
            "database": unquote(parts.path[1:]),
        }
    known = {
        "user": os.environ["PGUSER"],
        "password": os.environ.get("PGPASSWORD"),
        "database": os.environ["PGDATABASE"],
    }
    host, port = os.environ["PGHOST"], os.environ["PGPORT"]
    if host.startswith("/"):
        return known | {"unix_sock": f"{host}/.s.PGSQL.{port}"}
    return known | {"host": host, "port": int(port)}


def connect(**more):
    return pg8000.native.Connection(**(settings() | more))


def who(connection):
    return connection.run("select current_user || '|' || current_database()")[0][0]


connection = connect()
print("who:", who(connection))
print("parameters:", *connection.run("select :a::int + 1, :b::text", a=41, b="é")[0])
try:
    connection.run("select * from missing")
except pg8000.native.DatabaseError as error:
    print("error:", error.args[0]["C"])
try:
    connect(user=os.environ["OTHER_ROLE"])
except pg8000.native.DatabaseError as error:
    print("refused:", error.args[0]["M"])
print("ready", flush=True)
sys.stdin.readline()
print("still:", who(connection))
print("again:", who(connect()))
