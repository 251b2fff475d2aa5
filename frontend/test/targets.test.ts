// Each of several storages says its own state, by shape, colour and words.
import { expect, test } from 'vitest';
import type { StandaloneStatus } from '../src/api/types';
import { targetLook } from '../src/targets';
import { f, now } from './goldens';

const earlier = (seconds: number) => new Date(now.getTime() - seconds * 1000).toISOString();
const well: StandaloneStatus = {
  target: 'file:///nas/copies', txid: '7', replicated_txid: '7', lag_bytes: 0, healthy: true,
  last_drill: { at: earlier(30), ok: true, txid: '7', rows: 3, took_ns: 1 },
};

type Change = { [K in keyof StandaloneStatus]?: StandaloneStatus[K] | undefined };

test.each<[string, Change, string, string, RegExp]>([
  ['proved', {}, 'protected', 'proved', /^Proved 30.s ago\.$/],
  ['refused', { healthy: false, error: { code: 'denied', op: 'replicate', message: 'It refuses.', hint: 'Allow it.' } }, 'attention', 'wait', /^It refuses\. Allow it\.$/],
  ['disproved', { healthy: false, last_drill: { ...well.last_drill!, ok: false, problem: 'It differs.' } }, 'error', 'wrong', /did not hold\. It differs\.$/],
  ['away', { healthy: false, progress: { phase: 'offline', done: 0, total: 0, eta_seconds: 0, since: earlier(3600) } }, 'offline', 'rest', /^Offline since /],
  ['away for too long', { healthy: false, starts_over_since: earlier(60), progress: { phase: 'offline', done: 0, total: 0, eta_seconds: 0, since: earlier(3600) } }, 'offline', 'rest', /begins anew/],
  ['begins anew', { healthy: false, starts_over_since: earlier(60) }, 'syncing', 'work', /begins anew/],
  ['new', { healthy: false, replicated_txid: '', last_drill: undefined }, 'syncing', 'work', /^First copy/],
  ['unproved', { healthy: false, last_drill: undefined }, 'syncing', 'work', /being proved/],
  ['behind', { healthy: false, waiting_since: earlier(120) }, 'syncing', 'work', /^The last proof is from /],
])('%s', (_, change, glyph, tone, text) => {
  const look = targetLook({ ...well, ...change } as StandaloneStatus, now, f);
  expect([look.glyph, look.tone]).toEqual([glyph, tone]);
  expect(look.text).toMatch(text);
});
