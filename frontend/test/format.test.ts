import { describe, expect, test } from 'vitest';
import { localeOf, makeFormat, timeOf } from '../src/format';
import { parseMoment } from '../src/timeline';
import { f, now } from './goldens';

const ago = (s: number) => f.when(new Date(now.getTime() - s * 1000), now).replaceAll('\u00a0', ' ');

describe('locales', () => {
  test.each([[['C'], 'en-GB'], [[], 'en-GB'], [['', 'de-DE'], 'de-DE'], [['not a tag!', 'fr'], 'fr'], [['xx'], 'en-GB']])('%j', (wishes, want) => {
    expect(localeOf(wishes)).toBe(want);
  });
  test('numbers and times follow it', () => {
    const de = makeFormat('de-DE', 'UTC');
    expect(de.count(128431)).toBe('128.431');
    expect(de.clock(now)).toBe('14:03');
  });
});

test('ages', () => {
  expect([3, 12, 300, 3_000].map(ago)).toEqual(['just now', '12 s ago', '5 min ago', '50 min ago']);
  expect([4 * 3600, 20 * 3600, 3 * 86_400, 30 * 86_400].map(ago)).toEqual(['10:03', 'yesterday 18:03', 'Fri 14:03', '24 Oct']);
  expect(f.when(new Date('2025-10-24T00:00:00Z'), now)).toBe('24 Oct 2025');
});

test('amounts', () => {
  expect([18, 1_200_000, 412_000_000, 2_400_000_000].map((n) => f.bytes(n).replace('\u00a0', ' '))).toEqual(['18 B', '1.2 MB', '412 MB', '2.4 GB']);
  expect(f.part(264e6, 412e6)).toBe('264 of 412\u00a0MB');
  expect([0.061, 0.9, 2.8, 21.5, 600].map((s) => f.took(s).replace('\u00a0', ' '))).toEqual(['61 ms', '0.9 s', '2.8 s', '22 s', '10 min']);
  expect([4, 49.3, 58, 236, 5_040].map((s) => f.left(s).replaceAll('\u00a0', ' '))).toEqual(['4 s', '50 s', '1 min', '4 min', '1 h 24 min']);
});

test('the zero time is no time', () => {
  expect([timeOf('0001-01-01T00:00:00Z'), timeOf(''), timeOf(undefined), timeOf('nonsense')]).toEqual([null, null, null, null]);
});

test.each([
  ['11:42', '2026-11-23T11:42:00Z'], ['23 Nov 2026, 11:42:30', '2026-11-23T11:42:30Z'], ['yesterday 18:22', '2026-11-22T18:22:00Z'],
  ['2026-11-20 09:02', '2026-11-20T09:02:00Z'], ['2026-11-20T09:02:01', '2026-11-20T09:02:01Z'], ['Nov 1, 9:05 pm', '2026-11-01T21:05:00Z'],
  ['1/11/2026 10:00', '2026-11-01T10:00:00Z'], ['24 oct 12:00', '2026-10-24T12:00:00Z'],
])('reads %s', (text, want) => {
  expect(new Date(parseMoment(text, now, f)!).toISOString()).toBe(want.replace('Z', '.000Z'));
});

test.each(['', 'soon', '25:00', '31 Feb 2026 10:00', '40/40 10:00', '<b>11:42</b> x'])('does not read %s', (text) => {
  expect(parseMoment(text, now, f)).toBeNull();
});
