"""harm.py DB SECONDS: what other programs do to a file, each in a process of its own: two writers in bursts, a reader
that holds a read transaction for seconds, and one that checkpoints in every mode. All use Python's default timeout of
5 s. Prints what they saw as JSON."""
import json, multiprocessing, os, random, sqlite3, sys, time


def connect(path):
    return sqlite3.connect(path, timeout=5, isolation_level=None)


def writer(path, end, seed, q):
    rnd = random.Random(seed)
    db = connect(path)
    commits = busy = 0
    slowest = 0.0
    while time.time() < end:
        for _ in range(rnd.randint(1, 200)):
            t = time.time()
            if t > end:
                break
            try:
                db.execute("BEGIN IMMEDIATE")
                for _ in range(rnd.randint(1, 5)):
                    db.execute("INSERT OR REPLACE INTO notes(id, body) VALUES (?, ?)", (rnd.randint(1, 5000), "w" * rnd.randint(1, 2000)))
                db.execute("COMMIT")
                commits += 1
            except sqlite3.OperationalError as e:
                if "locked" not in str(e) and "busy" not in str(e):
                    raise
                busy += 1
                if db.in_transaction:
                    db.execute("ROLLBACK")
            slowest = max(slowest, time.time() - t)
        time.sleep(rnd.random())
    q.put({"Commits": commits, "Busy": busy, "SlowestCommit": slowest})


def reader(path, end, q):
    db = connect(path)
    reads = busy = 0
    while time.time() < end:
        try:
            db.execute("BEGIN")
            db.execute("SELECT count(*) FROM notes").fetchone()
            time.sleep(min(3, max(0, end - time.time())))
            db.execute("SELECT sum(length(body)) FROM notes").fetchone()
            db.execute("COMMIT")
            reads += 1
        except sqlite3.OperationalError:
            busy += 1
            if db.in_transaction:
                db.execute("ROLLBACK")
        time.sleep(0.5)
    q.put({"Reads": reads, "Busy": busy})


def checkpointer(path, end, q):
    db = connect(path)
    n = 0
    while time.time() < end:
        for mode in ("PASSIVE", "FULL", "RESTART", "TRUNCATE"):
            db.execute("PRAGMA wal_checkpoint(%s)" % mode).fetchone()
            n += 1
            time.sleep(1)
    q.put({"Checkpoints": n})


def main(path, seconds):
    end = time.time() + float(seconds)
    q = multiprocessing.Queue()
    work = [(writer, (path, end, 1, q)), (writer, (path, end, 2, q)), (reader, (path, end, q)), (checkpointer, (path, end, q))]
    processes = [multiprocessing.Process(target=f, args=a) for f, a in work]
    for p in processes:
        p.start()
    total = {"Commits": 0, "Reads": 0, "Checkpoints": 0, "Busy": 0, "MaxWAL": 0, "SlowestCommit": 0.0}
    while time.time() < end:
        try:
            total["MaxWAL"] = max(total["MaxWAL"], os.stat(path + "-wal").st_size)
        except FileNotFoundError:
            pass
        time.sleep(0.05)
    for _ in processes:
        for k, v in q.get(timeout=60).items():
            total[k] = max(total[k], v) if k == "SlowestCommit" else total[k] + v
    for p in processes:
        p.join()
    print(json.dumps(total))


if __name__ == "__main__":
    main(*sys.argv[1:])
