// The Status values that Go tests write.
import { readdirSync, readFileSync } from 'node:fs';
import type { Status } from '../src/api/types';
import { makeFormat } from '../src/format';
import { Reading } from '../src/look';

// Tests run in the page's folder.
const folder = 'testdata/status/';
export const now = new Date('2026-11-23T14:03:03Z');
export const f = makeFormat('en-GB', 'UTC');
export const names = readdirSync(folder).map((n) => n.replace('.json', ''));
export const golden = (name: string): Status => JSON.parse(readFileSync(`${folder}${name}.json`, 'utf8')) as Status;
export const reading = (name: string): Reading => new Reading(golden(name), now, f);

// The attacks of the scene "hostile" are written once, in Go, in raw quotes or in JSON's.
const source = readFileSync('scenes/hostile.go', 'utf8');
const list = source.slice(source.indexOf('Attacks = '), source.indexOf('\n}\n'));
export const attacks = [...list.matchAll(/^\t(`[^`]*`|".*"),$/gm)].map(([, q]) => (q!.startsWith('`') ? q!.slice(1, -1) : (JSON.parse(q!) as string)));
