// Evaluates the two configuration files as the service would: one JSON question on stdin, one JSON answer on stdout.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import Ajv from 'ajv';
import * as rules from '@powersync/service-sync-rules';
import { parseDocument } from 'yaml';

const question = JSON.parse(readFileSync(0, 'utf8'));
const tableOf = (name) => ({ connectionTag: 'default', schema: 'app', name });

// The service's schema takes keys that it does not know; ours has none.
function strict(node) {
  if (Array.isArray(node)) return node.map(strict);
  if (node === null || typeof node !== 'object') return node;
  const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, strict(value)]));
  if (copy.additionalProperties === true && copy.properties) copy.additionalProperties = false;
  return copy;
}

function service(text, variables) {
  const used = [];
  const env = { tag: '!env', resolve: (name) => (used.push(name), variables[name]) };
  const document = parseDocument(text, { customTags: [env], schema: 'core' });
  if (document.errors.length + document.warnings.length > 0) {
    return { errors: [...document.errors, ...document.warnings].map(String), used };
  }
  const value = document.toJS();
  const known = createRequire(import.meta.url)('@powersync/service-schema/schema.json');
  const check = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(strict(known));
  const errors = check(value) ? [] : check.errors.map((e) => `${e.instancePath} ${e.message} ${JSON.stringify(e.params)}`);
  return { errors, used, value };
}

function load(text, tables) {
  const schema = new rules.StaticSchema([{ tag: 'default', schemas: [{ name: 'app', tables }] }]);
  return rules.SqlSyncRules.fromYaml(text, { schema, defaultSchema: 'public', throwOnError: false });
}

// buckets are what a person with a token of these claims gets, out of the rows that the tables of grants have.
async function buckets(config, grants, claims, said) {
  const parameters = new rules.RequestParameters(new rules.BaseJwtPayload(claims), said);
  const { querier, errors } = config.getBucketParameterQuerier({ globalParameters: parameters, hasDefaultStreams: true, streams: {} });
  let rows = 0;
  const dynamic = await querier.queryDynamicBucketDescriptions({
    getParameterSets: async (lookups) => lookups.map((lookup) => {
      const found = grants.get(lookup.serializedRepresentation) ?? [];
      rows += found.length;
      return { lookup, rows: found };
    })
  });
  const all = [...querier.staticBuckets, ...dynamic];
  return {
    errors: errors.map((e) => e.message),
    rows,
    results: all.length,
    buckets: all.map((b) => ({ bucket: b.bucket, priority: b.priority, stream: b.definition }))
  };
}

async function streams({ text, tables, rows, access, claims, parameters }) {
  const { config, errors } = load(text, tables);
  if (errors.length > 0) return { errors: errors.map((e) => `${e.type}: ${e.message}`) };
  const hydrated = config.hydrate({ hydrationState: rules.DEFAULT_HYDRATION_STATE, sqlite: null });
  const evaluated = rows.map(({ table, row }) => hydrated.evaluateRow({ sourceTable: tableOf(table), record: row })
    .map(({ bucket, table, id, data }) => ({ bucket, table, id, columns: Object.keys(data) })));
  const grants = new Map();
  for (const row of access) {
    for (const { lookup, bucketParameters } of hydrated.evaluateParameterRow(tableOf('access'), row)) {
      const key = lookup.serializedRepresentation;
      grants.set(key, [...(grants.get(key) ?? []), ...bucketParameters]);
    }
  }
  const people = [];
  for (const one of claims) people.push(await buckets(hydrated, grants, one, parameters));
  return {
    errors: [],
    source_tables: config.getSourceTables().map((t) => `${t.schema}.${t.tablePattern}`).sort(),
    rows: evaluated,
    people
  };
}

const answer = {};
if (question.service) answer.service = service(question.service.text, question.service.variables);
if (question.streams) answer.streams = await streams(question.streams);
process.stdout.write(JSON.stringify(answer));
