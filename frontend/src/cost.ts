// What a storage costs a month, by its parts. An estimate: it says what it goes by. Pure.
import type { Cost, StandaloneStatus } from './api/types';
import { timeOf, type Format } from './format';
import { words } from './words';

const w = words.cost;
const cent = 0.005;

/** "about $0.33 a month" */
export const totalOf = (c: Cost, f: Format): string => (c.usd < cent ? w.less(f.money(0.01)) : w.about(f.money(c.usd)));

/** The same, where there is room for a figure only. */
export const figureOf = (c: Cost, f: Format): string => (c.usd < cent ? w.under(f.money(0.01)) : f.money(c.usd));

export const partsOf = (c: Cost, f: Format): string => w.parts(f.money(c.requests_usd), f.bytes(c.stored_bytes), f.money(c.storage_usd), f.money(c.fetching_usd));

/** Whose prices an estimate goes by, and since when what was asked is counted. */
export function sourceOf(c: Cost, f: Format, now: Date): string {
  const since = timeOf(c.measured_since);
  return w.source(c.prices ?? '', since ? f.date(since, now) : '');
}

/** The beginning of a sentence. */
export const upper = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** What stands beside a storage; empty where it is not known. */
export function besideOf(c: Cost | undefined, f: Format): string {
  if (!c || c.unpriced) return '';
  return c.prices ? `${upper(totalOf(c, f))}.` : w.free;
}

/** What all storages cost together; null where none costs anything that is known. */
export function billOf(targets: readonly StandaloneStatus[]): { cost: Cost; without: string[] } | null {
  const priced = targets.flatMap((t) => (t.monthly_cost?.prices ? [t.monthly_cost] : []));
  if (!priced.length) return null;
  const cost = priced.reduce((a, b) => ({
    ...a, usd: a.usd + b.usd, requests_usd: a.requests_usd + b.requests_usd, storage_usd: a.storage_usd + b.storage_usd,
    fetching_usd: a.fetching_usd + b.fetching_usd, stored_bytes: a.stored_bytes + b.stored_bytes,
    prices: a.prices === b.prices ? a.prices! : `${a.prices}; ${b.prices}`,
  }));
  return { cost, without: targets.filter((t) => !t.monthly_cost || t.monthly_cost.unpriced).map((t) => t.target) };
}

/** What a change does to the bill; empty where there is none, or it stays as it is. */
export function changeOf(now: Cost | undefined, then: Cost | undefined, f: Format): string {
  if (!now?.prices || !then?.prices || Math.abs(then.usd - now.usd) < cent) return '';
  return w.change(totalOf(then, f), partsOf(then, f), totalOf(now, f));
}

/** Whether a change costs more than now, by a cent at least. */
export const dearer = (now: Cost | undefined, then: Cost | undefined): boolean => !!then?.prices && then.usd - (now?.usd ?? 0) >= cent;
