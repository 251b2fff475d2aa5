"""Another program's database: makes one, writes to it, counts it.

  writer.py fill FILE SIZE              makes a file of SIZE MiB
  writer.py write FILE RATE SECONDS     writes RATE transactions a second (0: as many as it can) and prints
                                        {"latencies_us": [...], "bytes": N}, bytes being those of the rows
  writer.py count FILE                  prints what the file holds, in one line
"""
import json
import os
import random
import sqlite3
import sys
import time

WORDS = [bytes(random.Random(i).choices(b"abcdefghijklmnopqrstuvwxyz", k=3 + i % 9)).decode() for i in range(4000)]
INSERT = "INSERT INTO messages (session, at, hash, body) VALUES (?, ?, ?, ?)"


def text(rng, size):
    out = " ".join(rng.choices(WORDS, k=size // 6))
    return out[:size]


def connect(path):
    db = sqlite3.connect(path, timeout=30, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=NORMAL")
    db.execute("CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, session TEXT, at REAL, hash TEXT, body TEXT)")
    db.execute("CREATE INDEX IF NOT EXISTS messages_by_session ON messages (session, at)")
    return db


def row(rng, bodies):
    session = "session-%06d" % rng.randrange(20000)
    return session, rng.random() * 1e9, rng.randbytes(32).hex(), rng.choice(bodies) + rng.randbytes(150).hex()


def fill(path, mib):
    db, rng = connect(path), random.Random(1)
    bodies = [text(rng, rng.randrange(200, 3000)) for _ in range(5000)]
    while os.path.getsize(path) < mib << 20:
        db.execute("BEGIN")
        db.executemany(INSERT, (row(rng, bodies) for _ in range(10000)))
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def write(path, rate, seconds):
    db, rng = connect(path), random.Random(2)
    bodies = [text(rng, rng.randrange(200, 3000)) for _ in range(500)]
    latencies, written, began = [], 0, time.monotonic()
    while True:
        now = time.monotonic()
        if now - began >= seconds:
            break
        if rate and (wait := began + len(latencies) / rate - now) > 0:
            time.sleep(wait)
        values = row(rng, bodies)
        t = time.perf_counter_ns()
        db.execute("BEGIN IMMEDIATE")
        db.execute(INSERT, values)
        db.execute("COMMIT")
        latencies.append((time.perf_counter_ns() - t) // 1000)
        written += sum(len(v) for v in values if isinstance(v, str)) + 8
    print(json.dumps({"latencies_us": latencies, "bytes": written}))


def count(path):
    db = sqlite3.connect(path, timeout=30)
    print(db.execute("SELECT count(*), total(id), total(at), total(length(body)) FROM messages").fetchone())


if sys.argv[1] == "fill":
    fill(sys.argv[2], int(sys.argv[3]))
elif sys.argv[1] == "write":
    write(sys.argv[2], float(sys.argv[3]), float(sys.argv[4]))
else:
    count(sys.argv[2])
