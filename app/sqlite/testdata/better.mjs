// Another program's writer on better-sqlite3: a line is a statement in JSON, and gets a line of answer.
import Database from 'better-sqlite3';
import { createInterface } from 'node:readline';

const db = new Database(process.argv[2], { timeout: 30_000 });
for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    const statement = db.prepare(JSON.parse(line));
    const rows = statement.reader ? statement.raw().all() : (statement.run(), []);
    answer = { rows: rows.map((row) => row.map((v) => (v === null ? '' : String(v))).join('|')) };
  } catch (e) {
    answer = { error: e.message };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
