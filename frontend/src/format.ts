// Numbers and times, in the person's locale (LANGUAGE §8).

const nbsp = '\u00a0';
const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

// A window without a locale says "C", which Intl refuses; that must never leave the page blank.
export function localeOf(wishes: readonly string[]): string {
  for (const wish of wishes) {
    try {
      const [known] = Intl.DateTimeFormat.supportedLocalesOf([wish]);
      if (known && wish.length > 1) return known;
    } catch {
      // not a language tag
    }
  }
  return 'en-GB';
}

export interface Format {
  locale: string;
  count(n: number): string;
  bytes(n: number): string;
  /** of two amounts in one unit: "264 of 412 MB" */
  part(done: number, total: number): string;
  /** US dollars, to the cent */
  money(dollars: number): string;
  clock(t: Date): string;
  /** a time of day with its seconds */
  seconds(t: Date): string;
  /** a moment one can restore to, with its seconds, and its day when that is not today */
  moment(t: Date, now: Date): string;
  /** a moment for the field one can type into */
  full(t: Date): string;
  /** when something was: "12 s ago", "14:02", "yesterday 18:22", … */
  when(t: Date, now: Date): string;
  /** a day: "24 Oct" */
  date(t: Date, now: Date): string;
  weekday(t: Date): string;
  /** a day as a heading: "Today", "Yesterday", "20 Nov" */
  heading(t: Date, now: Date): string;
  took(seconds: number): string;
  /** what is left, rounded up: "50 s", "4 min", "1 h 24 min" */
  left(seconds: number): string;
  percent(share: number): string;
  /** "Mon 16" */
  shortDay(t: Date): string;
  /** "Mon" */
  shortWeekday(t: Date): string;
  /** The month that is named in a text, from 1; 0 for none. In the person's language and in English. */
  monthIn(text: string): number;
  monthFirst: boolean;
}

const units: [number, string][] = [[1e9, 'GB'], [1e6, 'MB'], [1e3, 'KB']];

export function makeFormat(locale: string, timeZone?: string): Format {
  const zone = timeZone ? { timeZone } : {};
  const date = (options: Intl.DateTimeFormatOptions) => {
    const f = new Intl.DateTimeFormat(locale, { ...zone, ...options });
    return (t: Date) => f.format(t).replaceAll('\u202f', nbsp);
  };
  const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  const tenth = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const share = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 0 });
  const dollars = new Intl.NumberFormat(locale, { style: 'currency', currency: 'USD', currencyDisplay: 'narrowSymbol' });
  const clock = date({ hour: '2-digit', minute: '2-digit' });
  const seconds = date({ hour: '2-digit', minute: '2-digit', second: '2-digit' });
  const dayMonth = date({ day: 'numeric', month: 'short' });
  const dayMonthYear = date({ day: 'numeric', month: 'short', year: 'numeric' });
  const shortDay = date({ weekday: 'short' });
  const longDay = date({ weekday: 'long', day: 'numeric', month: 'short' });
  const key = date({ year: 'numeric', month: '2-digit', day: '2-digit' });
  const sameDay = (a: Date, b: Date) => key(a) === key(b);
  const daysAgo = (t: Date, n: number, now: Date) => sameDay(t, new Date(now.getTime() - n * day * 1000));
  const scaled = (n: number, by: number) => (n / by < 10 ? tenth : whole).format(n / by);
  const unitOf = (n: number) => units.find(([by]) => n >= by * 0.9995) ?? ([1, 'B'] as const);

  const parts = new Intl.DateTimeFormat(locale).formatToParts(new Date(2026, 10, 23));
  const names = Array.from({ length: 12 }, (_, m) => [locale, 'en-US'].map((l) =>
    new Intl.DateTimeFormat(l, { month: 'short' }).format(new Date(2026, m, 1)).toLowerCase().replace('.', '').slice(0, 3)));

  const f: Format = {
    locale,
    count: (n) => whole.format(n),
    bytes(n) {
      const [by, unit] = unitOf(n);
      return (by === 1 ? whole.format(n) : scaled(n, by)) + nbsp + unit;
    },
    part(done, total) {
      const [by, unit] = unitOf(total);
      return `${scaled(done, by)} of ${scaled(total, by)}${nbsp}${unit}`;
    },
    money: (n) => dollars.format(n),
    clock,
    seconds,
    moment: (t, now) => (sameDay(t, now) ? seconds(t) : `${f.date(t, now)} ${seconds(t)}`),
    full: (t) => `${dayMonthYear(t)}, ${seconds(t)}`,
    when(t, now) {
      const age = (now.getTime() - t.getTime()) / 1000;
      if (age >= 0 && age < 5) return 'just now';
      if (age >= 0 && age < minute) return `${whole.format(Math.floor(age))}${nbsp}s ago`;
      if (age >= 0 && age < hour) return `${whole.format(Math.floor(age / minute))}${nbsp}min ago`;
      return f.heading(t, now) === 'Today' ? clock(t) : dated(t, now, age);
    },
    date: (t, now) => (t.getFullYear() === now.getFullYear() ? dayMonth(t) : dayMonthYear(t)),
    weekday: (t) => longDay(t),
    heading(t, now) {
      if (sameDay(t, now)) return 'Today';
      return daysAgo(t, 1, now) ? 'Yesterday' : f.date(t, now);
    },
    took: tookOf,
    left: leftOf,
    shortDay: (t) => `${shortDay(t)} ${t.getDate()}`,
    shortWeekday: shortDay,
    monthIn: (text) => names.findIndex((both) => both.some((name) => text.includes(name))) + 1,
    monthFirst: parts.findIndex((p) => p.type === 'month') < parts.findIndex((p) => p.type === 'day'),
    percent: (x) => share.format(x).replace(/\s?%/, `${nbsp}%`),
  };

  function dated(t: Date, now: Date, age: number): string {
    if (daysAgo(t, 1, now)) return `yesterday ${clock(t)}`;
    return age > 0 && age < 6 * day ? `${shortDay(t)} ${clock(t)}` : f.date(t, now);
  }

  function tookOf(s: number): string {
    if (s < 0.0995) return `${whole.format(Math.max(1, Math.round(s * 1000)))}${nbsp}ms`;
    if (s < minute) return `${(s < 10 ? tenth : whole).format(s)}${nbsp}s`;
    return leftOf(s);
  }

  function leftOf(s: number): string {
    if (s <= 55) return `${whole.format(Math.max(1, s <= 10 ? Math.ceil(s) : Math.ceil(s / 5) * 5))}${nbsp}s`;
    const minutes = Math.ceil(s / minute - 0.001);
    if (minutes < 60) return `${whole.format(minutes)}${nbsp}min`;
    const rest = minutes % 60;
    return `${whole.format(Math.floor(minutes / 60))}${nbsp}h` + (rest ? ` ${rest}${nbsp}min` : '');
  }

  return f;
}

/** The time of an answer, null for none: Go's zero time means none. */
export function timeOf(text: string | undefined | null): Date | null {
  if (!text || text.startsWith('0001-')) return null;
  const t = new Date(text);
  return Number.isNaN(t.getTime()) ? null : t;
}
