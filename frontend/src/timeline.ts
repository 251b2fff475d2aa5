// Where the timeline looks, and what a typed moment means. Pure.
import { indexOf, type Moment } from './chart';
import type { Format } from './format';

export type Zoom = 'hour' | 'day' | 'week';
const hourMs = 3_600_000;
const spans: Record<Zoom, number> = { hour: hourMs, day: 24 * hourMs, week: 168 * hourMs };
export const barCount: Record<Zoom, number> = { hour: 60, day: 96, week: 112 };

export interface Frame { from: number; to: number }

/** The part of the history that is shown: up to now while the moment is in it, else with the moment in its middle. */
export function frameOf(zoom: Zoom, moment: number, now: number): Frame {
  const span = spans[zoom];
  // An hour is about its moment; a day and a week are about now.
  if (zoom !== 'hour' && moment >= now - span) return { from: now - span, to: now };
  const to = Math.min(now, moment + span / 2);
  return { from: to - span, to };
}

/** The point some steps later (or earlier, below 0), held at the ends. */
export function stepFrom(list: readonly Moment[], at: Moment, steps: number): Moment {
  const i = list.indexOf(at);
  return list[Math.min(list.length - 1, Math.max(0, i + steps))] ?? at;
}

/** The point about an hour later or earlier, and always another one than before unless it is the end. */
export function hourFrom(list: readonly Moment[], at: Moment, direction: 1 | -1): Moment {
  const there = indexOf(list, at.time + direction * hourMs + (direction > 0 ? 0 : 1)) - (direction > 0 ? 0 : 1);
  const found = list[Math.min(list.length - 1, Math.max(0, there))] ?? at;
  return found === at ? stepFrom(list, at, direction) : found;
}

/** Labels below the timeline, evenly apart; the last is empty where "now" stands. */
export function axisOf(zoom: Zoom, frame: Frame, f: Format): string[] {
  return [0, 1, 2, 3, 4].map((i) => {
    const t = new Date(frame.from + ((frame.to - frame.from) * i) / 4);
    if (zoom === 'week') return f.shortDay(t);
    return zoom === 'day' && i === 0 ? `${f.shortWeekday(t)} ${f.clock(t)}` : f.clock(t);
  });
}

/** A distance of points in words. */
export function gapText(seconds: number, f: Format): string {
  if (seconds >= 3_600) return f.left(Math.round(seconds / 3_600) * 3_600);
  return f.left(seconds >= 60 ? Math.round(seconds / 60) * 60 : seconds);
}

const clockPattern = /(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?\s*([ap]\.?m\.?)?/i;

/** Reads a moment as people type it: "11:42", "yesterday 18:22", "23 Nov 2026, 11:42:30", "2026-11-23 11:42". Null if none. */
export function parseMoment(text: string, now: Date, f: Format): number | null {
  const clock = clockPattern.exec(text);
  if (!clock) return null;
  const day = dayOf(text.replace(clock[0], ' ').replace(/[T,]/g, ' ').trim().toLowerCase(), now, f);
  let hour = Number(clock[1]);
  if (clock[4]) hour = (hour % 12) + (clock[4].toLowerCase().startsWith('p') ? 12 : 0);
  const [minute, second] = [Number(clock[2]), Number(clock[3] ?? 0)];
  if (!day || hour > 23 || minute > 59 || second > 59) return null;
  return new Date(day.getFullYear(), day.getMonth(), day.getDate(), hour, minute, second).getTime();
}

function dayOf(text: string, now: Date, f: Format): Date | null {
  const today = new Date(now.getFullYear(), now.getMonth(), now.getDate());
  if (text === '' || text === 'today') return today;
  if (text === 'yesterday') return new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1);
  const iso = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(text);
  if (iso) return real(Number(iso[1]), Number(iso[2]), Number(iso[3]));
  const month = f.monthIn(text);
  const numbers = (text.match(/\d+/g) ?? []).map(Number);
  if (month > 0) return real(numbers.find((n) => n > 31) ?? now.getFullYear(), month, numbers.find((n) => n <= 31) ?? 0);
  if (numbers.length < 2 || /[^\d./\s-]/.test(text)) return null;
  const [first, second, year = now.getFullYear()] = numbers as [number, number, number?];
  return f.monthFirst ? real(year, first, second) : real(year, second, first);
}

/** A day that exists, else null. */
function real(year: number, month: number, day: number): Date | null {
  const t = new Date(year, month - 1, day);
  return t.getFullYear() === year && t.getMonth() === month - 1 && t.getDate() === day ? t : null;
}
