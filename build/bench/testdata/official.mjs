// The official client as the bench measures it: its defaults, with the schema of the context memory. Commands come as JSON
// lines on standard input; each is answered by one JSON line on standard output.
import { createInterface } from 'node:readline';
import { column, PowerSyncDatabase, Schema, SyncStreamConnectionMethod, Table } from '@powersync/node';

const [endpoint, directory, description, machine, token] = process.argv.slice(2);
const types = { TEXT: column.text, INTEGER: column.integer, REAL: column.real };
const tables = JSON.parse(description);
const schema = new Schema(
  Object.fromEntries(tables.map((t) => [t.name, new Table(Object.fromEntries(t.columns.map((c) => [c.name, types[c.type]])))]))
);
const db = new PowerSyncDatabase({ schema, database: { dbFilename: 'client.db', dbLocation: directory, readWorkerCount: 1 } });

const connector = {
  async fetchCredentials() {
    return { endpoint, token };
  },
  async uploadData(database) {
    const transaction = await database.getNextCrudTransaction();
    if (!transaction) return;
    const kinds = { PUT: 'put', PATCH: 'patch', DELETE: 'delete' };
    const changes = transaction.crud.map((e) => ({ table: e.table, op: kinds[e.op], id: e.id, data: e.opData ?? undefined }));
    const answer = await fetch(endpoint + '/v1/push', {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        machine_id: machine,
        client_id: await database.getClientId(),
        schema_version: 1,
        groups: [{ group: transaction.transactionId, changes }]
      })
    });
    if (!answer.ok) throw new Error(`push: ${answer.status} ${await answer.text()}`);
    const [result] = (await answer.json()).results;
    if (result.status !== 'applied' && result.status !== 'duplicate') throw new Error(`push: ${JSON.stringify(result)}`);
    await transaction.complete();
  }
};

const commands = {
  async connect(c) {
    await db.connect(connector, { connectionMethod: SyncStreamConnectionMethod.HTTP, crudUploadThrottleMs: c.throttle });
  },
  // A full-text index as the client's documentation has it, with the tokenizer of ours: triggers on the tables that hold
  // the rows.
  async search() {
    for (const t of tables) {
      const columns = t.columns.filter((c) => c.search).map((c) => c.name);
      const names = columns.join(', ');
      const of = (row) => columns.map((c) => `json_extract(${row}.data, '$.${c}')`);
      const set = columns.map((c, i) => `${c} = ${of('new')[i]}`).join(', ');
      for (const sql of [
        `CREATE VIRTUAL TABLE fts_${t.name} USING fts5(id UNINDEXED, ${names}, tokenize='unicode61 remove_diacritics 2')`,
        `CREATE TRIGGER fts_insert_${t.name} AFTER INSERT ON ps_data__${t.name} BEGIN INSERT INTO fts_${t.name} (rowid, id, ${names}) VALUES (new.rowid, new.id, ${of('new').join(', ')}); END`,
        `CREATE TRIGGER fts_update_${t.name} AFTER UPDATE ON ps_data__${t.name} BEGIN UPDATE fts_${t.name} SET ${set} WHERE rowid = new.rowid; END`,
        `CREATE TRIGGER fts_delete_${t.name} AFTER DELETE ON ps_data__${t.name} BEGIN DELETE FROM fts_${t.name} WHERE rowid = old.rowid; END`
      ])
        await db.execute(sql);
    }
  },
  async execute(c) {
    await db.execute(c.sql, c.args ?? []);
  },
  async close() {
    await db.close();
    setImmediate(() => process.exit(0));
  }
};

await db.init();
console.log('{}');
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  try {
    await commands[command.do](command);
    console.log('{}');
  } catch (e) {
    console.log(JSON.stringify({ error: String(e?.stack ?? e) }));
  }
}
