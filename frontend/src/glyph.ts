// Which shape and which meaning a status has: the tray's rule, so that both always agree.
import { timeOf } from './format';
import type { Status } from './api/types';

export type GlyphName =
  | 'new' | 'off' | 'signed-out' | 'protected' | 'syncing' | 'paused' | 'offline' | 'attention' | 'stalled' | 'restoring' | 'error';
export type Tone = 'proved' | 'work' | 'wait' | 'wrong' | 'rest';

const syncingAfter = 5_000;
const overdue = 60_000;

export function glyphOf(st: Status, now: Date): GlyphName {
  switch (st.state) {
    case 'new': case 'off': case 'signed-out': case 'paused': case 'restoring':
      return st.state;
    case 'error':
      return !st.error || st.error.code === 'failed' || st.error.code === 'damaged' ? 'error' : 'attention';
    default:
      return ofWork(st, now);
  }
}

function ofWork(st: Status, now: Date): GlyphName {
  const phase = st.progress?.phase;
  const waits = waited(st, now);
  if (phase === 'fetch' || phase === 'check' || phase === 'replace') return 'restoring';
  if (st.error || disproved(st)) return 'attention';
  if (phase === 'offline') return 'offline';
  if (phase === 'stalled' || mending(st) || (waits > overdue && !moving(st, now))) return 'stalled';
  if (inCloud(st) && coming.has(phase ?? '')) return 'syncing';
  if (st.healthy && waits <= syncingAfter && (!inCloud(st) || st.cloud?.last_proof)) return 'protected';
  if (st.healthy || waits > syncingAfter || unproved(st) || working.has(phase ?? '')) return 'syncing';
  return 'stalled';
}

// What still comes to this machine is not the same as in the cloud, whatever was proved before.
const coming: ReadonlySet<string> = new Set(['enrol', 'first_sync', 'catching_up']);
const going: ReadonlySet<string> = new Set(['copying', 'first_copy', 'uploading', ...coming]);
const working: ReadonlySet<string> = new Set(['copying', 'test_restore', 'connecting', 'uploading', 'proof', 'moving']);

export const inCloud = (st: Status): boolean => st.mode === 'cloud';

/** When the oldest change that waits was made, of the mode that counts. */
export function sinceOf(st: Status): Date | null {
  return timeOf((inCloud(st) ? st.cloud : st.standalone)?.waiting_since);
}

/** For how long the oldest change has waited, in ms. */
export function waited(st: Status, now: Date): number {
  const since = sinceOf(st);
  return since ? now.getTime() - since.getTime() : 0;
}

function moving(st: Status, now: Date): boolean {
  const p = st.progress;
  if (!p || !going.has(p.phase)) return false;
  const since = timeOf(p.since);
  return (p.rate ?? 0) > 0 || (since !== null && now.getTime() - since.getTime() <= overdue);
}

/** What is kept was compared, did not hold, and nothing is done about it by itself. */
function disproved(st: Status): boolean {
  if (!inCloud(st)) return st.standalone?.last_drill?.ok === false;
  return st.cloud?.last_proof?.equal === false && !st.cloud.last_proof.cure;
}

/** Rows differ, and are being put right. */
function mending(st: Status): boolean {
  return inCloud(st) && st.cloud?.last_proof?.equal === false && !!st.cloud.last_proof.cure;
}

export function unproved(st: Status): boolean {
  return inCloud(st) ? !st.cloud?.last_proof : !st.standalone?.replicated_txid || !st.standalone.last_drill;
}

const tones: Record<GlyphName, Tone> = {
  new: 'rest', off: 'rest', 'signed-out': 'wait', protected: 'proved', syncing: 'work', paused: 'rest', offline: 'rest',
  attention: 'wait', stalled: 'wait', restoring: 'work', error: 'wrong',
};

export const toneOf = (glyph: GlyphName): Tone => tones[glyph];
