// Encrypted copies before a real agent: a second storage is encrypted, its key is lost and given back, and the copies come back.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launch } from './browser';
import { openBefore, startAgent, type Agent, type Before } from './real';

let browser: Browser;
let agent: Agent;
let { page, title, button, picture } = {} as Before;
let sealed: string;
let key = '';

beforeAll(async () => {
  [browser, agent] = [await launch(), await startAgent()];
  sealed = `file://${join(dirname(agent.copies), 'sealed')}`;
  agent.run('setup', '--target', `file://${agent.copies}`, '--yes');
  ({ page, title, button, picture } = await openBefore(browser, agent, 'real', '#/settings'));
}, 240_000);
afterAll(async () => {
  await browser?.close();
  await agent?.end();
});

const view = (name: string) => page.evaluate((to) => { location.hash = `#/${to}`; }, name);
const row = () => page.locator(`[data-target="${sealed}"]`);
const field = () => page.getByLabel('Recovery key of these copies');
type Target = { target: string; healthy: boolean; encryption?: string };
const targets = () => JSON.parse(agent.run('target', '--json')) as Target[];
const insert = (what: string) => agent.sql(`INSERT INTO decisions (decision, rationale, created_at, updated_at)
  VALUES ('${what}', 'because', strftime('%Y-%m-%dT%H:%M:%fZ'), strftime('%Y-%m-%dT%H:%M:%fZ'))`);
const count = () => Number(agent.sql('SELECT count(*) FROM decisions'));
// The key as it lies in the home of a system without a keychain.
const loseKey = () => {
  const keys = join(agent.home, 'keys');
  expect(readdirSync(keys)).toHaveLength(1);
  rmSync(keys, { recursive: true });
};

test('a second storage is encrypted: its key is shown once, comes back, and the copies are proved', async () => {
  await button('Add…').click();
  await title('Where should another copy live?');
  await page.getByLabel('Storage address').fill(sealed);
  await button('Test').click();
  await page.getByText('The test worked.').waitFor();
  await page.getByLabel('Encrypt the copies on this machine first').check();
  key = (await page.getByText(/^AGE-SECRET-KEY-1/).textContent()) ?? '';
  expect(await button('Copy here, too').isDisabled()).toBe(true);
  await page.getByLabel('Type or paste it from where you keep it now').fill(key.slice(0, 40));
  await page.getByText('That is not it yet.').waitFor();
  expect(await button('Copy here, too').isDisabled()).toBe(true);
  await page.getByLabel('Type or paste it from where you keep it now').fill(key);
  await page.getByText('That is it.').waitFor();
  await picture('sealed-second');
  await button('Copy here, too').click();
  await title('Settings');
  await row().getByText(/^\S* ?Proved/).waitFor();
  expect(await page.content()).not.toContain(key);
  expect(targets().map((t) => [t.target, t.healthy, !!t.encryption])).toEqual([[`file://${agent.copies}`, true, false], [sealed, true, true]]);
  const files = readdirSync(join(dirname(agent.copies), 'sealed'), { recursive: true, encoding: 'utf8' }).filter((f) => f.includes('/ltx/') && /\.ltx/.test(f));
  expect(files.length).toBeGreaterThan(0);
  expect(files.filter((f) => !f.endsWith('.age'))).toEqual([]);
  await view('home');
  await title('You are protected');
});

test('without its key the other storage goes on, and the key is asked for where it is wanted', async () => {
  await agent.restart(loseKey);
  await view('settings');
  await row().getByText('this machine does not hold its recovery key').waitFor();
  await page.locator(`[data-target="file://${agent.copies}"]`).getByText(/Proved/).waitFor();
  await picture('sealed-key-lost');
  await view('home');
  await title('This machine does not hold the recovery key of your copies');
  await button('Give the recovery key…').click();
  await page.getByRole('slider', { name: 'Moment to restore' }).waitFor(); // the plain copies are there to be looked at
  const other = (await (await page.request.post(`${agent.address}/api/v1/key`, { data: {} })).json()) as { key: string };
  await field().fill(other.key);
  await button('Use this key').click();
  await page.getByRole('alert').getByText('This is not the recovery key of these copies').waitFor();
  await picture('sealed-key-wrong');
  await field().fill('a word that is no key');
  await button('Use this key').click();
  await page.getByRole('alert').getByText(/is no recovery key|not a recovery key/).waitFor();
  expect(existsSync(join(agent.home, 'keys'))).toBe(false);
  await field().fill(key);
  await button('Use this key').click();
  await field().waitFor({ state: 'detached' });
  await view('home');
  await title('You are protected');
  expect(targets().every((t) => t.healthy)).toBe(true);
});

test('encrypted copies alone come back with the key that is asked for, and nothing is lost before', async () => {
  agent.run('target', 'remove', `file://${agent.copies}`);
  insert('one');
  insert('two');
  agent.run('verify');
  const point = JSON.parse(agent.run('points', '--json')).points[0] as { time: string };
  agent.sql('DELETE FROM decisions');
  agent.run('verify');
  await agent.restart(loseKey);
  await view(`restore?at=${encodeURIComponent(point.time)}`);
  await field().waitFor();
  expect(await page.getByRole('slider', { name: 'Moment to restore' }).count()).toBe(0);
  await picture('sealed-restore-asks');
  await field().fill(` ${key.toLowerCase()} `);
  await page.keyboard.press('Enter');
  await page.getByText(/Brings back 2 rows/).waitFor();
  await button(/^Restore to /).click();
  await title(/^Your memory is as it was at/);
  expect(count()).toBe(2);
  await picture('sealed-restored');
});
