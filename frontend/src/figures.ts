// The figures of Home and what each says about itself. Pure.
import type { Figure } from './parts/Figures.svelte';
import { timeOf } from './format';
import { isOpen, type Reading } from './look';
import { tableName, words } from './words';

const w = words.figures;

/** refused is why the storage does not tell its points, empty when it did. */
export function figuresOf(r: Reading, oldest: Date | null, retention: readonly string[], refused = ''): Figure[] {
  return [waiting(r), second(r), refused && !oldest ? unknown(refused) : back(r, oldest, retention), rows(r)];
}

function waiting(r: Reading): Figure {
  const looking = r.st.state === 'standalone' || r.since !== null;
  if (!looking) return { key: 'waiting', label: w.waiting, value: w.unknown, why: w.unlooked };
  if (!r.since) return { key: 'waiting', label: w.waiting, value: w.nothing, why: w.waitingNone };
  return { key: 'waiting', label: w.waiting, value: r.waits || w.some, why: w.waitingSince(r.at(r.since)) };
}

/** What matters next: when a pause ends, when it is tried again, or when something was copied last. */
function second(r: Reading): Figure {
  const until = timeOf(r.st.paused_until);
  const next = timeOf(r.st.progress?.next_try);
  if (r.glyph === 'paused') {
    const open = isOpen(until);
    return { key: 'ends', label: w.ends, value: open || !until ? w.endsOpen : r.f.clock(until), why: open ? w.endsOpenWhy : w.endsWhy };
  }
  if (r.glyph === 'offline' && next) return { key: 'next', label: w.next, value: w.byItself, why: w.nextWhy(r.f.clock(next)) };
  if (!r.copied) return { key: 'last', label: w.last, value: w.never, why: w.lastNone };
  return { key: 'last', label: w.last, value: r.when(r.copied), why: w.lastWhy(r.newest) };
}

function unknown(refused: string): Figure {
  return { key: 'back', label: w.back, value: w.unknown, why: w.backUnknown(refused) };
}

function back(r: Reading, oldest: Date | null, retention: readonly string[]): Figure {
  if (!oldest) return { key: 'back', label: w.back, value: w.never, why: w.backNone };
  return { key: 'back', label: w.back, value: r.f.when(oldest, r.now), why: w.backWhy(r.moment(oldest)), list: retention };
}

function rows(r: Reading): Figure {
  if (!r.drill?.ok) return { key: 'rows', label: w.rows, value: w.rowsNone, why: w.rowsNoneWhy };
  const list = (r.drill.tables ?? []).map((t) => `${r.f.count(t.rows)} ${tableName(t.table).toLowerCase()}`).join(', ');
  return { key: 'rows', label: w.rows, value: r.f.count(r.drill.rows), why: w.rowsWhy(r.at(r.provedAt), list) };
}
