"""Another program in a client's database: writes to it, waits for rows, measures what recording costs.

  other.py beside FILE TABLE ROWS    once FILE has TABLE, writes a row of its own every 20 ms until TABLE has ROWS rows; prints
                                     {"at": seconds since 1970, "waits_ms": [...]}
  other.py until FILE TABLE ROWS     waits until TABLE has ROWS rows; prints the same
  other.py seen FILE                 reads lines [SQL] from standard input, answers each with {} once the query has a row
  other.py write FILE                reads lines [SQL, ARGUMENT...] from standard input, answers each with {} once committed
  other.py fill FILE ROWS PREFIX     writes ROWS messages, 1,000 to a transaction
  other.py cost FILE ROWS EACH SQL   runs SQL ROWS times, EACH to a transaction; prints the CPU time of one in us
"""
import json
import os
import resource
import sqlite3
import sys
import time

MESSAGE = "INSERT INTO messages (id, content, hash, role, session_id, source_type, occurred_at) VALUES (?, ?, ?, 'user', 'session', 'chat', '2026-11-27T07:00:00.000Z')"


def connect(path):
    db = sqlite3.connect(path, timeout=60, isolation_level=None)
    db.execute("PRAGMA synchronous=NORMAL")
    return db


def rows(db, table):
    """Nothing was deleted, so that the last number is the count."""
    return db.execute("SELECT ifnull(max(rowid), 0) FROM " + table).fetchone()[0]


def when_there(path, table):
    while True:
        if os.path.exists(path):
            db = connect(path)
            if db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
                return db
            db.close()
        time.sleep(0.005)


def beside(path, table, want, write):
    db, waits = when_there(path, table), []
    if write:
        db.execute("CREATE TABLE IF NOT EXISTS other (at INTEGER PRIMARY KEY, body TEXT)")
    while rows(db, table) < want:
        time.sleep(0.02)
        if write:
            t = time.perf_counter()
            db.execute("INSERT INTO other (body) VALUES ('x')")
            waits.append((time.perf_counter() - t) * 1000)
    print(json.dumps({"at": time.time(), "waits_ms": waits}))


def seen(path):
    db = connect(path)
    for line in sys.stdin:
        sql, = json.loads(line)
        while not db.execute(sql).fetchone():
            time.sleep(0.0005)
        print("{}", flush=True)


def write(path):
    db = connect(path)
    for line in sys.stdin:
        sql, *arguments = json.loads(line)
        db.execute(sql, arguments)
        print("{}", flush=True)


def transactions(db, count, each, step):
    for i in range(count):
        if i % each == 0:
            db.execute("BEGIN IMMEDIATE")
        step(i)
        if i % each == each - 1 or i == count - 1:
            db.execute("COMMIT")


def fill(path, count, prefix):
    db = connect(path)
    transactions(db, count, 1000, lambda i: db.execute(MESSAGE, ("%s%08d" % (prefix, i), "%08x " % (i * 2654435761 % 4294967296) * 14, "%064x" % i)))


def cost(path, count, each, sql):
    db, text = connect(path), "x" * 350
    before = resource.getrusage(resource.RUSAGE_SELF)
    transactions(db, count, each, lambda i: db.execute(sql, ("%08x-row" % (i * 2654435761 % 4294967296), text, "%064x" % i)))
    after = resource.getrusage(resource.RUSAGE_SELF)
    print((after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / count * 1e6)


verb, path, *rest = sys.argv[1:]
if verb in ("beside", "until"):
    beside(path, rest[0], int(rest[1]), verb == "beside")
elif verb == "seen":
    seen(path)
elif verb == "write":
    write(path)
elif verb == "fill":
    fill(path, int(rest[0]), rest[1])
else:
    cost(path, int(rest[0]), int(rest[1]), rest[2])
