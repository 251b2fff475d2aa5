// What an item of lost & found says: its name, and both versions field by field. Pure.
// Every text in it comes from a memory or a server: it is shown with text nodes only.
import type { LostItem, LostKind } from './api/types';
import { tableName, words } from './words';

const w = words.cloud.lost;
export const longest = 400;
const nameRunes = 72;

export interface Field { name: string; mine: string; theirs: string; same: boolean }
type Row = Record<string, unknown>;

/** A version of the row, null when there is no such row. */
export function rowOf(version: unknown): Row | null {
  return typeof version === 'object' && version !== null && !Array.isArray(version) ? (version as Row) : null;
}

// Columns that name a row, the best first.
const naming = ['title', 'name', 'decision', 'summary', 'content', 'problem', 'learning', 'error', 'text', 'message', 'role'];

/** What people would call the row: its most telling text, else its id. */
export function titleOf(item: LostItem): string {
  for (const row of [rowOf(item.mine), rowOf(item.theirs)]) {
    for (const column of naming) {
      const value = row?.[column];
      if (typeof value === 'string' && value.trim()) return cut(value.trim().replace(/\s+/g, ' '), nameRunes);
    }
  }
  return cut(item.row, nameRunes);
}

/** A table's name for one of its rows: "Decision". */
export function oneOf(table: string): string {
  return cut(tableName(table).replace(/ies$/, 'y').replace(/([^s])s$/, '$1'), nameRunes);
}

export function nameOf(item: LostItem): string { return w.named(oneOf(item.table), titleOf(item)); }
export function kindOf(item: LostItem): string { return w.kinds[item.kind as LostKind] ?? item.kind; }

/** Both versions, field by field, the differing fields first. A change of some columns says nothing about the others. */
export function fieldsOf(item: LostItem): Field[] {
  const [mine, theirs] = [rowOf(item.mine), rowOf(item.theirs)];
  const names = [...new Set([...Object.keys(mine ?? {}), ...Object.keys(theirs ?? {})])];
  const list = names.map((name): Field => {
    const untouched = item.op === 'patch' && mine !== null && !(name in mine);
    const there = shown(theirs, name);
    const here = untouched ? there : shown(mine, name);
    return { name, mine: here, theirs: there, same: here === there };
  });
  return [...list.filter((x) => !x.same), ...list.filter((x) => x.same)];
}

function shown(row: Row | null, column: string): string {
  if (!row || !(column in row)) return '';
  const value = row[column];
  if (value === null || value === '') return w.nothing;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export function cut(text: string, at: number): string {
  const runes = [...text.slice(0, at * 2 + 2)];
  return runes.length > at ? `${runes.slice(0, at - 1).join('')}…` : text;
}

/** Where two values differ: what they have in common before and after, in whole words, and what each has between. */
export interface Parts { before: string; mine: string; theirs: string; after: string }
export function partsOf(mine: string, theirs: string): Parts {
  const [a, b] = [mine, theirs].map((text) => text.split(/(?<=\s)|(?=\s)/)) as [string[], string[]];
  const most = Math.min(a.length, b.length);
  let [start, end] = [0, 0];
  while (start < most && a[start] === b[start]) start++;
  while (end < most - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const join = (list: string[], from: number, to: number) => list.slice(from, to).join('');
  return { before: join(a, 0, start), mine: join(a, start, a.length - end), theirs: join(b, start, b.length - end), after: join(a, a.length - end, a.length) };
}

/** The version that was lost was somebody else's: this machine's is in use. */
export const turned = (item: LostItem): boolean => item.code === 'overwritten';

/** The item as a file, everything that is known of it. */
export function fileOf(item: LostItem): string { return JSON.stringify(item, null, 2); }
