"""Writers that keep a ledger, and the check of a restored file against it.

write DB SEED JOURNAL   transactions until killed or stdin closes; each changes a few rows and files the statements in
                        the table ledger, in the same transaction. JOURNAL gets "seq time" after each commit.
checkpoint DB SEED      checkpoints in every mode at random moments, until stdin closes.
grow DB ROWS            adds that many rows of about 900 bytes.
digest FILE             prints what check needs of a file, so that the file itself need not be kept.
check REFERENCE FULL FILE...   for each FILE, or FILE.digest, prints "FILE seq ok" or what differs: the file must equal
                        REFERENCE with the statements of FULL's ledger up to the file's own newest entry.
"""
import hashlib, json, os, random, select, sqlite3, sys, time

SCHEMA = """
CREATE TABLE IF NOT EXISTS ledger (seq INTEGER PRIMARY KEY AUTOINCREMENT, who TEXT, at REAL, statements TEXT);
CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, body TEXT, weight REAL, raw BLOB);
"""


def connect(path):
    db = sqlite3.connect(path, timeout=60, isolation_level=None)
    return db


def statements(rnd):
    out = []
    for _ in range(rnd.randint(1, 6)):
        kind = rnd.random()
        key = rnd.randint(1, 3000)
        if kind < 0.5:
            body = "note %d é ✓ " % rnd.randint(0, 1 << 30) + "x" * rnd.randint(0, 900)
            out.append("INSERT OR REPLACE INTO notes VALUES (%d, '%s', %r, x'%s')" % (key, body, rnd.random(), os.urandom(8).hex()))
        elif kind < 0.75:
            out.append("UPDATE notes SET body = body || '.', weight = weight * 2 WHERE id = %d" % key)
        elif kind < 0.9:
            out.append("DELETE FROM notes WHERE id = %d" % key)
        else:
            out.append("UPDATE usage SET extent_code = extent_code WHERE rowid = %d" % key)
    return out


def write(path, seed, journal):
    rnd = random.Random(int(seed))
    db = connect(path)
    with open(journal, "a") as log:
        while True:
            if select.select([sys.stdin], [], [], 0)[0]:
                return
            sql = statements(rnd)
            db.execute("BEGIN IMMEDIATE")
            for s in sql:
                db.execute(s)
            seq = db.execute("INSERT INTO ledger (who, at, statements) VALUES (?, ?, ?)", (seed, time.time(), json.dumps(sql))).lastrowid
            db.execute("COMMIT")
            log.write("%d %.6f\n" % (seq, time.time()))
            log.flush()
            time.sleep(rnd.random() * 0.02)


def checkpoint(path, seed):
    rnd = random.Random(int(seed))
    db = sqlite3.connect(path, timeout=2, isolation_level=None)
    while not select.select([sys.stdin], [], [], rnd.random())[0]:
        db.execute("PRAGMA wal_checkpoint(%s)" % rnd.choice(["PASSIVE", "FULL", "RESTART", "TRUNCATE"])).fetchone()


def grow(path, rows):
    db = connect(path)
    db.execute("CREATE TABLE IF NOT EXISTS bulk (id INTEGER PRIMARY KEY, words TEXT)")
    rnd = random.Random(7)
    vocabulary = ["%x" % rnd.getrandbits(40) for _ in range(5000)]
    left = int(rows)
    while left > 0:
        n = min(left, 20000)
        db.execute("BEGIN")
        db.executemany("INSERT INTO bulk (words) VALUES (?)", ((" ".join(rnd.choices(vocabulary, k=82)),) for _ in range(n)))
        db.execute("COMMIT")
        left -= n


def content(db, known=()):
    """One hash per table, of every row in rowid or key order. known holds those of tables that cannot have changed."""
    out = dict(known)
    names = db.execute("SELECT name FROM sqlite_schema WHERE type='table' AND name NOT LIKE '\\_litestream%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY 1").fetchall()
    for (name,) in names:
        if name in out:
            continue
        h = hashlib.sha256()
        n = 0
        for row in db.execute('SELECT * FROM "%s"' % name.replace('"', '""')):
            h.update(repr(row).encode("utf-8", "surrogateescape"))
            n += 1
        out[name] = (n, h.hexdigest())
    return out


def digest(path):
    db = sqlite3.connect("file:%s?mode=ro" % path, uri=True)
    return db.execute("SELECT coalesce(max(seq), 0) FROM ledger").fetchone()[0], content(db)


def digested(path):
    if not os.path.exists(path + ".digest"):
        return digest(path)
    with open(path + ".digest") as f:
        seq, tables = json.load(f)
    return seq, {t: tuple(h) for t, h in tables.items()}


def check(reference, full, files):
    ledger = {seq: (who, at, json.loads(s)) for seq, who, at, s in connect(full).execute("SELECT seq, who, at, statements FROM ledger")}
    todo = [(seq, f, got) for f in files for seq, got in [digested(f)]]
    ref = connect(reference)
    still = {t: h for t, h in content(ref).items() if t not in ("ledger", "notes", "usage")}
    done = 0
    for seq, f, got in sorted(todo, key=lambda t: t[:2]):
        ref.execute("BEGIN")
        while done < seq:
            done += 1
            who, at, sql = ledger[done]
            for s in sql:
                ref.execute(s)
            ref.execute("INSERT INTO ledger VALUES (?, ?, ?, ?)", (done, who, at, json.dumps(sql)))
        ref.execute("COMMIT")
        want = content(ref, still)
        if want == got:
            print(f, seq, "ok")
        else:
            print(f, seq, "differs in", [t for t in sorted(set(want) | set(got)) if want.get(t) != got.get(t)])


if __name__ == "__main__":
    verb, args = sys.argv[1], sys.argv[2:]
    if verb == "init":
        connect(args[0]).executescript(SCHEMA)
    elif verb == "write":
        write(*args)
    elif verb == "checkpoint":
        checkpoint(*args)
    elif verb == "grow":
        grow(*args)
    elif verb == "digest":
        print(json.dumps(digest(args[0])))
    elif verb == "check":
        check(args[0], args[1], args[2:])
