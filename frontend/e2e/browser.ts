// A browser at the development server, at the time of the scenes.
import { AxeBuilder } from '@axe-core/playwright';
import { existsSync, mkdirSync } from 'node:fs';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { expect, inject } from 'vitest';

export const now = new Date('2026-11-23T14:03:03Z');
export const shots = new URL('../../build/tmp/shots/', import.meta.url).pathname;

const programs = [process.env['CHROMIUM'] ?? '', '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

export async function launch(): Promise<Browser> {
  mkdirSync(shots, { recursive: true });
  const executablePath = programs.find((p) => p && existsSync(p));
  if (!executablePath) throw new Error('There is no chromium: install it, or say where it is in CHROMIUM.');
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--font-render-hinting=none'] });
}

export interface Look { dark?: boolean; width?: number; height?: number }
export interface Wish extends Look { scene?: string; locale?: string }

/** What the page must never do; filled while it runs. A refusal of the agent is told on the page, whatever the console says. */
export type Trouble = string[];

/** The window of a person. */
export const person = { viewport: { width: 760, height: 560 }, deviceScaleFactor: 1.5, locale: 'en-GB', reducedMotion: 'reduce' } as const;

export async function open(browser: Browser, hash: string, wish: Wish = {}): Promise<{ page: Page; trouble: Trouble; context: BrowserContext }> {
  if (wish.scene) await control('scene', { name: wish.scene });
  const context = await browser.newContext({
    viewport: { width: wish.width ?? 760, height: wish.height ?? 560 }, deviceScaleFactor: 1.5, colorScheme: wish.dark ? 'dark' : 'light', locale: wish.locale ?? 'en-GB', timezoneId: 'UTC',
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  const trouble = watched(page);
  page.on('dialog', (d) => { trouble.push(`dialog: ${d.message()}`); void d.dismiss(); });
  page.on('request', (r) => { if (!r.url().startsWith(address())) trouble.push(`request: ${r.url()}`); });
  await page.clock.setFixedTime(now);
  await page.goto(`${address()}/#/${hash}`);
  return { page, trouble, context };
}

/** Notes every error of a page from now on, but for refusals at addresses that a test expects them of. */
export function watched(page: Page, trouble: Trouble = [], refused = /\/native$|\/api\//): Trouble {
  page.on('pageerror', (e) => trouble.push(`error: ${e.message}`));
  page.on('console', (m) => { if (m.type() === 'error' && !refused.test(m.location().url)) trouble.push(`console: ${m.text()}`); });
  return trouble;
}

export const address = (): string => inject('address');

export async function control(what: 'scene' | 'step', body: unknown = {}): Promise<void> {
  const res = await fetch(`${address()}/dev/${what}`, { method: 'POST', body: JSON.stringify(body) });
  if (!res.ok) throw new Error(await res.text());
}

/** No accessibility problem, nothing wider than the window, no error. */
export async function sound(page: Page, trouble: Trouble): Promise<void> {
  const found = await new AxeBuilder({ page }).analyze();
  expect(found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join(', ')}`)).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBe(0);
  expect(trouble).toEqual([]);
}

/** Gives the window a look. */
export async function dress(page: Page, look: Look): Promise<void> {
  await page.emulateMedia({ colorScheme: look.dark ? 'dark' : 'light' });
  await page.setViewportSize({ width: look.width ?? 760, height: look.height ?? 560 });
}

/** Takes a picture of the whole view, in a window as high as it, or of what the window shows. */
export async function shoot(page: Page, name: string, whole = true): Promise<void> {
  const before = page.viewportSize()!;
  if (whole) {
    const height = await page.evaluate(() => document.documentElement.scrollHeight);
    await page.setViewportSize({ width: before.width, height: Math.max(before.height, height) });
  }
  await page.screenshot({ path: `${shots}${name}.png` });
  await page.setViewportSize(before);
}

/** Waits until nothing but the long poll is under way. */
export async function settled(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    const open = performance.getEntriesByType('resource').filter((e) => e.name.includes('/api/') && !e.name.includes('/status'));
    return document.readyState === 'complete' && open.every((e) => (e as PerformanceResourceTiming).responseEnd > 0);
  });
  await page.evaluate(() => new Promise((done) => { requestAnimationFrame(() => { requestAnimationFrame(done); }); }));
}
