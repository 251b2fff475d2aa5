// What a person does with an account: signing in to the first proof, moving there and back, machines, lost & found, out.
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { attacks as Attacks } from '../test/goldens';
import { control, launch, open, shoot, sound } from './browser';

let browser: Browser;
beforeAll(async () => { browser = await launch(); });
afterAll(async () => { await browser.close(); });

const title = (page: Page, text: string | RegExp) => page.getByRole('heading', { level: 1, name: text }).waitFor();
const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name });
const same = /^This machine and the cloud hold the same 128,206 rows/;

test('a fresh installation signs in, and is led to the first proof', async () => {
  const { page, trouble, context } = await open(browser, '', { scene: 'cloud-new' });
  await expect.poll(() => page.locator('.choice b').allTextContents()).toEqual(['Sign in', 'Back up to my own storage', 'Decide later']);
  await page.getByRole('link', { name: /^Sign in/ }).click();
  await title(page, 'Finish in your browser');
  await page.getByText('The page stays valid for').waitFor();
  await control('step');
  await title(page, /First copy: about 50/);
  await page.getByText('There is no keychain here').waitFor();
  await page.getByText('That is why nothing is green.').waitFor();
  expect(await page.locator('.proved').count()).toBe(0);
  await sound(page, trouble);
  await shoot(page, 'flow-cloud-first-copy');
  await control('step');
  await title(page, 'Every row is being compared with the cloud');
  expect(await page.locator('.proved').count()).toBe(0);
  await control('step');
  await title(page, same);
  await page.getByText('Proved just now, table by table.').waitFor();
  await page.getByText('macbook-air').waitFor();
  await sound(page, trouble);
  await page.getByRole('link', { name: 'Done' }).click();
  await title(page, same);
  await context.close();
});

test('without a browser here a code is typed on another machine', async () => {
  const { page, trouble, context } = await open(browser, 'sign-in', { scene: 'cloud-new' });
  await title(page, 'Finish in your browser');
  await button(page, 'Use a code instead').click();
  await title(page, 'Finish on any machine with a browser');
  await page.getByText('KXPT-4QLM').waitFor();
  await page.getByText('https://accounts.lumen.works/device').waitFor();
  await page.getByText('It stays valid for').waitFor();
  await sound(page, trouble);
  await shoot(page, 'flow-cloud-code');
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.setViewportSize({ width: 320, height: 560 });
  await sound(page, trouble);
  await shoot(page, 'flow-cloud-code-320');
  await button(page, 'Use the browser of this machine').click();
  await title(page, 'Finish in your browser');
  await button(page, 'Use a code instead').click();
  await page.getByText('KXPT-4QLM').waitFor();
  await control('step');
  await title(page, /First copy: about 50/);
  await context.close();
});

test('an address that is no server’s is told, and another one is tried', async () => {
  const { page, trouble, context } = await open(browser, 'sign-in', { scene: 'new' });
  const address = page.getByLabel('Address of the server');
  await address.fill('http://plain.example');
  await button(page, 'Sign in').click();
  await page.getByText('is not the address of a server').waitFor();
  await sound(page, trouble);
  await shoot(page, 'flow-cloud-refused');
  await button(page, 'Another server…').click();
  await address.fill('https://sync.lumen.works');
  await button(page, 'Sign in').click();
  await title(page, 'Finish in your browser');
  await page.getByRole('link', { name: 'Back' }).click();
  await title(page, 'Keep what your AI work has learned');
  await context.close();
});

test('a memory moves to the cloud, proved first, and back', async () => {
  const { page, trouble, context } = await open(browser, 'settings', { scene: 'standalone-joined' });
  await page.getByRole('radio', { name: 'Cloud' }).click(); // leads away before it could be checked
  await title(page, 'Move this memory to the cloud');
  await page.getByText('Only then: stop copying to gs://mira-memory-backup').waitFor();
  await button(page, 'Start').click();
  await title(page, 'Sending every row to the cloud');
  await button(page, 'Stop and stay with own storage').click();
  await page.getByText('Stopped. Your own storage goes on protecting you.').waitFor();
  await button(page, 'Go on').click();
  await title(page, 'Sending every row to the cloud');
  await control('step');
  await title(page, 'Proving that both sides are equal');
  expect(await page.locator('.tag.proved').count()).toBe(0);
  await sound(page, trouble);
  await shoot(page, 'flow-cloud-moving');
  await control('step');
  await title(page, 'Switching over');
  await control('step');
  await title(page, same);
  await expect.poll(() => page.locator('.tag.proved').count()).toBe(5);
  await sound(page, trouble);
  await shoot(page, 'flow-cloud-moved');
  await button(page, 'Return to own storage…').click();
  await title(page, 'Return to own storage');
  await button(page, 'Start').click();
  await title(page, 'Sending every row to the cloud');
  for (let i = 0; i < 3; i++) await control('step');
  await title(page, 'This memory is kept in your own storage again');
  await button(page, 'Done').click();
  await title(page, 'You are protected');
  await context.close();
});

test('a machine is renamed, and one is revoked after a question', async () => {
  const { page, trouble, context } = await open(browser, 'machines', { scene: 'cloud-synced' });
  await button(page, 'Rename macbook-air').click();
  await page.getByLabel('Name of this machine').fill('travel');
  await page.keyboard.press('Enter');
  await page.locator('.t', { hasText: 'travel' }).waitFor();
  await button(page, 'Revoke win-build').click();
  await page.getByRole('alertdialog').waitFor();
  await expect.poll(() => page.evaluate(() => document.activeElement?.textContent?.trim())).toBe('Keep it');
  await sound(page, trouble);
  await shoot(page, 'flow-cloud-revoke', false);
  await page.keyboard.press('Escape');
  await page.getByRole('alertdialog').waitFor({ state: 'hidden' });
  expect(await page.locator('.row', { hasText: 'win-build' }).textContent()).not.toContain('revoked');
  await button(page, 'Revoke win-build').click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Revoke win-build' }).click();
  await page.getByRole('alertdialog').waitFor({ state: 'hidden' });
  await page.locator('.row', { hasText: 'win-build' }).getByText('revoked').waitFor();
  await context.close();
});

test('lost & found is settled item by item', async () => {
  const { page, trouble, context } = await open(browser, 'home', { scene: 'cloud-synced' });
  await title(page, same);
  await page.keyboard.press('5');
  await title(page, 'Lost & found: 3 to look at');
  await page.getByText('3 fields are the same.').waitFor();
  await button(page, 'Show').click();
  await page.getByText('billing-service').first().waitFor();
  expect(await page.locator('.diff mark').first().textContent()).toBe('5 times,'); // and not the words that are the same
  await sound(page, trouble);
  await shoot(page, 'flow-conflict');
  await button(page, 'Use mine').click();
  await title(page, 'Lost & found: 2 to look at');
  await page.getByText('It was written as an ordinary change').waitFor();
  await expect.poll(() => page.evaluate(() => document.activeElement?.localName)).toBe('h1');
  await page.getByRole('link', { name: /sqlc and nullable columns/ }).click();
  await page.getByRole('heading', { level: 2, name: 'sqlc and nullable columns' }).waitFor();
  expect(await button(page, /Bring it back|Try again|Use mine/).count()).toBe(0);
  await button(page, 'Discard…').click();
  await expect.poll(() => page.evaluate(() => document.activeElement?.textContent?.trim())).toBe('Keep it');
  await sound(page, trouble);
  await button(page, 'Discard my version').click();
  await title(page, 'Lost & found: 1 to look at');
  await button(page, 'Try again').click();
  await title(page, 'Lost & found is empty');
  await context.close();
});

test('of a conflict both versions are kept, or theirs after a question', async () => {
  const { page, trouble, context } = await open(browser, 'lost', { scene: 'cloud-synced' });
  await page.getByText('The version in use was written 6 s later. Yours is kept until you decide.').waitFor();
  await page.setViewportSize({ width: 320, height: 560 }); // without the table's head, each value says whose it is
  const said = () => page.locator('.diff td').first().evaluate((td) => getComputedStyle(td.nextElementSibling ?? td, '::before').content);
  await expect.poll(said).toBe('"Theirs · Jonas Weber on jonas-thinkpad"');
  await shoot(page, 'flow-conflict-320');
  await page.setViewportSize({ width: 760, height: 560 });
  await button(page, 'Keep theirs…').click();
  await page.getByRole('alertdialog').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('alertdialog').waitFor({ state: 'hidden' });
  await button(page, 'Keep both').click();
  await title(page, 'Lost & found: 2 to look at');
  await page.getByText('Both versions are kept').waitFor();
  await sound(page, trouble);
  await context.close();
});

test('signing out says what has not gone up', async () => {
  const { page, trouble, context } = await open(browser, 'account', { scene: 'cloud-syncing' });
  await button(page, 'Sign out…').click();
  await page.getByText('12 changes are on this machine only and have not gone up.').waitFor();
  await page.getByLabel('Also remove the account’s rows from this machine').check();
  await button(page, 'Sign out and remove the rows').waitFor();
  await page.getByLabel('Also remove the account’s rows from this machine').uncheck();
  await sound(page, trouble);
  await shoot(page, 'flow-cloud-sign-out', false);
  await button(page, 'Sign out all the same').click();
  await page.getByText('This machine is signed out.').waitFor();
  await page.getByRole('link', { name: 'Home' }).click();
  await title(page, 'Sign in again to go on syncing');
  await context.close();
});

test('what a stranger wrote never runs', async () => {
  const { page, trouble, context } = await open(browser, 'lost', { scene: 'cloud-hostile' });
  await title(page, 'Lost & found: 20 to look at');
  const links = page.locator('.list a');
  for (let i = 0; i < Attacks.length; i++) {
    await links.nth(i).click();
    expect(await page.locator('.diff').textContent()).toContain(Attacks[i]);
  }
  for (const hash of ['machines', 'home', 'settings', 'restore']) {
    await page.evaluate((to) => { location.hash = `#/${to}`; }, hash);
    await page.waitForFunction((to) => location.hash === `#/${to}` && document.querySelector('h1') !== null, hash);
    expect(await page.locator('#page script, #page iframe, #page [onerror], #page [onload], #page math').count()).toBe(0);
  }
  expect(await page.evaluate(() => (window as { pwned?: unknown }).pwned)).toBeUndefined();
  expect(trouble).toEqual([]);
  await context.close();
});

const at = 'restore?at=2026-11-23T11%3A42%3A30Z';

test('rows of a moment of before the move come back as ordinary changes', async () => {
  const { page, trouble, context } = await open(browser, at, { scene: 'cloud-moved' });
  await page.getByText('Choose the tables to bring rows back of.').waitFor();
  await page.getByRole('checkbox', { name: 'Bring back rows of Decisions' }).check();
  await page.getByText('Brings back 6 rows and changes 3 back.').waitFor();
  await page.getByText('Reaches 3 people on 5 machines: everyone who sees “billing-service”.').waitFor();
  await sound(page, trouble);
  await shoot(page, 'flow-cloud-rows');
  await button(page, 'Bring back 9 rows').click();
  await title(page, /^Bringing rows of .*11:42:30.* back$/);
  await sound(page, trouble);
  await control('step');
  await page.getByText('Writing it into the file').waitFor();
  await control('step');
  await title(page, /^9 rows of .*11:42:30.* are back$/);
  await page.getByText('Decisions: 6 rows again, 3 as they were').waitFor();
  await sound(page, trouble);
  await shoot(page, 'flow-cloud-rows-back');
  await button(page, 'Done').click();
  await title(page, 'Restore');
  await context.close();
});
