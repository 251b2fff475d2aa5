// Drives one official client for the test: commands come as JSON lines on standard input, each is answered by one JSON
// line on standard output.
import { createInterface } from 'node:readline';
import { column, PowerSyncDatabase, Schema, SyncStreamConnectionMethod, Table } from '@powersync/node';

const [endpoint, directory, description] = process.argv.slice(2);

const types = { TEXT: column.text, INTEGER: column.integer, REAL: column.real };
const schema = new Schema(
  Object.fromEntries(
    JSON.parse(description).map((table) => [
      table.name,
      new Table(Object.fromEntries(table.columns.map((c) => [c.name, types[c.type]])))
    ])
  )
);

const db = new PowerSyncDatabase({ schema, database: { dbFilename: 'client.db', dbLocation: directory, readWorkerCount: 1 } });

let url = endpoint;
let token = '';
let push = '';
let rejected = 0;
const connector = {
  async fetchCredentials() {
    return { endpoint: url, token };
  },
  async uploadData(database) {
    const transaction = await database.getNextCrudTransaction();
    if (!transaction) return;
    const kinds = { PUT: 'put', PATCH: 'patch', DELETE: 'delete' };
    const changes = transaction.crud.map((e) => ({ table: e.table, op: kinds[e.op], id: e.id, data: e.opData ?? undefined }));
    const answer = await fetch(push, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        machine_id: 'bob-pc',
        client_id: await database.getClientId(),
        schema_version: 1,
        groups: [{ group: transaction.transactionId, changes }]
      })
    });
    if (!answer.ok) throw new Error(`push: ${answer.status} ${await answer.text()}`);
    const [result] = (await answer.json()).results;
    if (result.status === 'retry') throw new Error(`push: ${result.code}`);
    if (result.status === 'rejected') rejected++;
    await transaction.complete();
  }
};

const commands = {
  async connect(c) {
    token = c.token ?? token;
    url = c.url ?? url;
    push = c.push ?? push;
    await db.connect(connector, {
      connectionMethod: SyncStreamConnectionMethod.HTTP,
      crudUploadThrottleMs: 10,
      retryDelayMs: 100
    });
    return {};
  },
  async disconnect() {
    await db.disconnect();
    return {};
  },
  async query(c) {
    return { rows: await db.getAll(c.sql, c.args ?? []) };
  },
  async execute(c) {
    await db.execute(c.sql, c.args ?? []);
    return {};
  },
  async status() {
    const s = db.currentStatus;
    return { rows: [{ connected: s.connected, synced: s.hasSynced ?? false, rejected }] };
  },
  async close() {
    await db.close();
    setImmediate(() => process.exit(0));
    return {};
  }
};

await db.init();
console.log(JSON.stringify({ ready: true }));
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  try {
    console.log(JSON.stringify(await commands[command.do](command)));
  } catch (e) {
    console.log(JSON.stringify({ error: String(e?.stack ?? e) }));
  }
}
