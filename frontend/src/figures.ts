// The figures of Home and what each says about itself. Pure.
import type { Figure } from './parts/Figures.svelte';
import { billOf, figureOf, partsOf, sourceOf, upper } from './cost';
import { timeOf } from './format';
import { isOpen, type Reading } from './reading';
import { tableName, words } from './words';

const w = words.figures;
const c = words.cloud.figures;

/** refused is why the storage does not tell its points, empty when it did. */
export function figuresOf(r: Reading, oldest: Date | null, retention: readonly string[], refused = ''): Figure[] {
  if (r.cloud) return [cloudWaiting(r), cloudSecond(r), cloudRows(r), lost(r)];
  return [waiting(r), second(r), refused && !oldest ? unknown(refused) : back(r, oldest, retention), costs(r) ?? rows(r)];
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

/** What a month costs, where that is known; the rows are in the proof line as well. */
function costs(r: Reading): Figure | null {
  const bill = billOf(r.st.standalone?.targets ?? []);
  if (!bill) return null;
  const without = bill.without.length ? ` ${words.cost.without(bill.without.join(', '))}` : '';
  return { key: 'costs', label: w.costs, value: figureOf(bill.cost, r.f), why: `${w.costsWhy} ${upper(partsOf(bill.cost, r.f))}. ${sourceOf(bill.cost, r.f, r.now)}${without}` };
}

function rows(r: Reading): Figure {
  if (!r.drill?.ok) return { key: 'rows', label: w.rows, value: w.rowsNone, why: w.rowsNoneWhy };
  const list = (r.drill.tables ?? []).map((t) => `${r.f.count(t.rows)} ${tableName(t.table).toLowerCase()}`).join(', ');
  return { key: 'rows', label: w.rows, value: r.f.count(r.drill.rows), why: w.rowsWhy(r.at(r.provedAt), list) };
}

function cloudWaiting(r: Reading): Figure {
  const base = { key: 'waiting', label: w.waiting };
  if (r.pending) return { ...base, value: c.waiting(r.pending), why: r.since ? w.waitingSince(r.at(r.since)) : w.some };
  return r.cloud?.recording ? { ...base, value: w.nothing, why: c.waitingNone } : { ...base, value: w.unknown, why: c.signedOut };
}

function cloudSecond(r: Reading): Figure {
  if (r.glyph === 'paused') return second(r);
  if (r.glyph === 'offline') return { key: 'next', label: w.next, value: w.byItself, why: c.next };
  if (r.glyph === 'signed-out' && r.cloud?.user) return { key: 'account', label: c.account, value: r.cloud.user, why: c.accountWhy(r.cloud.user, r.server) };
  if (!r.copied) return { key: 'sync', label: c.sync, value: w.never, why: c.syncNone };
  const pushed = timeOf(r.cloud?.last_pushed_at);
  return { key: 'sync', label: c.sync, value: r.when(r.copied), why: c.syncWhy(r.f.seconds(r.copied), pushed ? r.at(pushed) : '') };
}

function cloudRows(r: Reading): Figure {
  if (!r.held) return { key: 'rows', label: w.rows, value: w.rowsNone, why: c.rowsNone };
  const list = (r.held.tables ?? []).map((t) => `${r.f.count(t.here.rows)} ${tableName(t.table).toLowerCase()}`).join(', ');
  return { key: 'rows', label: w.rows, value: r.f.count(r.held.rows), why: c.rowsWhy(r.at(r.provedAt), list) };
}

function lost(r: Reading): Figure {
  const n = r.cloud?.rejected ?? 0;
  return { key: 'lost', label: c.lost, value: n ? c.look(r.f.count(n)) : c.lostNone, why: n ? c.lostWhy : c.lostWhyNone };
}
