// What a preview adds up to. Pure.
import type { Preview, RowDiff, TableDiff } from './api/types';

export interface Totals { then: number; now: number; added: number; changed: number; removed: number }

export function totalsOf(p: Preview): Totals {
  const total: Totals = { then: 0, now: 0, added: 0, changed: 0, removed: 0 };
  for (const t of p.tables ?? []) for (const key of Object.keys(total) as (keyof Totals)[]) total[key] += t[key];
  return total;
}

export const differs = (t: Totals | TableDiff): boolean => t.added + t.changed + t.removed > 0;

/** The tables with examples, those with the fewest differences first: they are the ones a person can judge. */
export function withExamples(p: Preview): TableDiff[] {
  return (p.tables ?? []).filter((t) => t.examples?.length).sort((a, b) => a.added + a.changed + a.removed - (b.added + b.changed + b.removed));
}

const order: Record<RowDiff['kind'], number> = { removed: 0, changed: 1, added: 2 };

/** The first examples hold one of each kind, so that four lines show what happened. */
export function sample(list: readonly RowDiff[], n: number): RowDiff[] {
  const sorted = [...list].sort((a, b) => order[a.kind] - order[b.kind]);
  if (sorted.length <= n) return sorted;
  const kinds = (['removed', 'changed', 'added'] as const).map((k) => sorted.filter((d) => d.kind === k));
  const picked = new Set<RowDiff>();
  for (let i = 0; picked.size < n; i++) for (const of of kinds) if (of[i] && picked.size < n) picked.add(of[i]!);
  return sorted.filter((d) => picked.has(d));
}
