// What a person does, from the first start to an undone restore.
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { attacks as Attacks } from '../test/goldens';
import { control, launch, open, shoot, sound } from './browser';

let browser: Browser;
beforeAll(async () => { browser = await launch(); });
afterAll(async () => { await browser.close(); });

const title = (page: Page, text: string | RegExp) => page.getByRole('heading', { level: 1, name: text }).waitFor();
const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name });

test('a fresh installation is led to its first proof', async () => {
  const { page, trouble, context } = await open(browser, '', { scene: 'new' });
  await page.getByRole('link', { name: 'Back up to my own storage' }).click();
  await title(page, 'Where should the copy live?');
  await page.getByLabel('Storage address').fill('gs://write-only');
  await button(page, 'Test').click();
  await page.getByText('This key may write but not read.').waitFor();
  expect(await button(page, 'Start the first copy').isDisabled()).toBe(true);
  await page.getByLabel('Storage address').fill('gs://missing-bucket');
  await button(page, 'Test').click();
  await button(page, 'Create this bucket').click();
  await page.getByText('The test worked.').waitFor();
  await page.getByLabel('Storage address').fill('file:///mnt/nas/copies');
  await button(page, 'Test').click();
  await page.getByText('on the same disk').waitFor();
  await sound(page, trouble);
  await shoot(page, 'flow-storage-tested');
  await button(page, 'Start the first copy').click();
  await title(page, /First copy: about 50/);
  await page.getByText('That is why nothing is green.').waitFor();
  await control('step');
  await title(page, 'The first copy is being proved');
  expect(await page.locator('.proved').count()).toBe(0);
  await control('step');
  await title(page, 'You are protected, proved just now');
  await page.getByRole('switch', { name: 'Start at login' }).check();
  await page.getByRole('link', { name: 'Done' }).click();
  await title(page, 'You are protected');
  await context.close();
});

test('a recovery key is shown once, and has to come back before anything starts', async () => {
  const { page, trouble, context } = await open(browser, '', { scene: 'new' });
  await page.getByRole('link', { name: 'Back up to my own storage' }).click();
  await page.getByLabel('Storage address').fill('gs://mira-memory');
  await button(page, 'Test').click();
  await page.getByText('The test worked.').waitFor();
  const start = button(page, 'Start the first copy');
  await page.getByLabel('Encrypt the copies on this machine first').check();
  const key = (await page.getByText(/^AGE-SECRET-KEY-1/).textContent()) ?? '';
  expect(await start.isDisabled()).toBe(true);
  await page.getByLabel('Type or paste it from where you keep it now').fill('AGE-SECRET-KEY-1NOT');
  await page.getByText('That is not it yet.').waitFor();
  expect(await start.isDisabled()).toBe(true);
  await page.getByLabel('Type or paste it from where you keep it now').fill(` ${key.toLowerCase()}`);
  await page.getByText('That is it.').waitFor();
  await sound(page, trouble);
  await shoot(page, 'flow-recovery-key');
  await start.click();
  await title(page, /First copy: about 50/);
  await context.close();
});

test('each storage says what it costs, also before it is added', async () => {
  const { page, trouble, context } = await open(browser, 'settings', { scene: 'several' });
  await page.locator('[data-target="gs://mira-memory-backup"]').getByText('About $0.33 a month.').waitFor();
  await page.locator('[data-target="file:///mnt/nas/copies"]').getByText('Costs nothing: it is a folder of your own.').waitFor();
  expect(await page.getByText('as built into this version').count()).toBe(1);
  await button(page, 'Add…').click();
  await page.getByLabel('Storage address').fill('gs://mira-second');
  await button(page, 'Test').click();
  await page.getByText('Copying there as much as so far costs about $0.33 a month').waitFor();
  await sound(page, trouble);
  await shoot(page, 'flow-storage-costs');
  await context.close();
});

test('what only a person can say is asked in place: whose copies, and who goes on with the history', async () => {
  const { page, trouble, context } = await open(browser, 'first-run/storage', { scene: 'new' });
  const start = button(page, 'Start the first copy');
  await page.getByLabel('Storage address').fill('gs://shared');
  await button(page, 'Test').click();
  await start.click();
  await page.getByText('Several people keep copies here: jonas, mira.').waitFor();
  await page.getByLabel('Which one are you?').fill('mira');
  await sound(page, trouble);
  await shoot(page, 'flow-storage-who');
  await start.click();
  await title(page, /First copy: about 50/);
  await context.close();
  const taken = await open(browser, 'first-run/storage', { scene: 'new' });
  await taken.page.getByLabel('Storage address').fill('gs://taken');
  await button(taken.page, 'Test').click();
  await button(taken.page, 'Start the first copy').click();
  await taken.page.getByText('macbook-air writes the history of this file').waitFor();
  await button(taken.page, 'Take over from it').waitFor();
  await sound(taken.page, taken.trouble);
  await shoot(taken.page, 'flow-storage-taken');
  await button(taken.page, 'Go on beside it').click();
  await title(taken.page, /First copy: about 50/);
  await taken.context.close();
});

test('where several other machines have copies, one is chosen', async () => {
  const { page, trouble, context } = await open(browser, 'home', { scene: 'protected' });
  await page.route(/\/points\?machine=$/, (r) => r.fulfill({
    status: 400, contentType: 'application/json', body: JSON.stringify({ code: 'invalid', op: 'which machine', message: 'Several machines keep copies here: studio, macbook-air.', hint: 'Say which one.' }),
  }));
  await page.evaluate(() => { location.hash = '#/restore'; });
  await page.getByText('Several machines keep copies here').waitFor();
  await sound(page, trouble);
  await page.getByLabel('From which machine').selectOption('macbook-air');
  await page.getByRole('slider', { name: 'Moment to restore' }).waitFor();
  await context.close();
});

test('a lost recovery key is asked for where the copies are wanted', async () => {
  const { page, trouble, context } = await open(browser, 'home', { scene: 'keyless' });
  await button(page, 'Give the recovery key…').click();
  const field = page.getByLabel('Recovery key of these copies');
  expect(await field.getAttribute('type')).toBe('password');
  await field.fill('AGE-SECRET-KEY-1OTHER');
  await button(page, 'Use this key').click();
  await page.getByRole('alert').getByText('This is not the recovery key of these copies').waitFor();
  await sound(page, trouble);
  await shoot(page, 'flow-key-wrong');
  await field.fill(`AGE-SECRET-KEY-1${'Q'.repeat(59)}`);
  await page.keyboard.press('Enter');
  await page.getByText('Choose a moment to see what changed since.').waitFor();
  expect(await field.count()).toBe(0);
  await context.close();
});

test('a bucket is opened by signing in to Google, and the client is asked for once', async () => {
  const { page, trouble, context } = await open(browser, '', { scene: 'new' });
  await page.getByRole('link', { name: 'Back up to my own storage' }).click();
  await page.getByLabel('Storage address').fill('gs://mira-memory');
  await page.getByLabel('Key', { exact: true }).selectOption('Sign in with Google');
  expect(await button(page, 'Test').isDisabled()).toBe(true);
  await button(page, 'Sign in with Google').click();
  const client = page.getByLabel('File of your OAuth client');
  await client.waitFor();
  expect(await button(page, 'Try again').isDisabled()).toBe(true);
  await sound(page, trouble);
  await shoot(page, 'flow-google-client');
  await client.fill('/home/mira/client_secret.json');
  await button(page, 'Try again').click();
  await page.getByText('Go on in your browser.').waitFor();
  await sound(page, trouble);
  await shoot(page, 'flow-google-waiting');
  await button(page, 'Cancel').click();
  await button(page, 'Sign in with Google').click();
  await page.getByText('Go on in your browser.').waitFor();
  await control('step');
  await page.getByText('Signed in to Google as').waitFor();
  await button(page, 'Test').click();
  await page.getByText('The test worked.').waitFor();
  await sound(page, trouble);
  await shoot(page, 'flow-google-done');
  await button(page, 'Start the first copy').click();
  await title(page, /First copy: about 50/);
  await context.close();
});

test('a bucket that speaks S3 is opened with an access key', async () => {
  const { page, trouble, context } = await open(browser, '', { scene: 'new' });
  await page.getByRole('link', { name: 'Back up to my own storage' }).click();
  const address = page.getByLabel('Storage address');
  await address.fill('gs://mira-memory');
  await page.getByLabel('Key', { exact: true }).selectOption('A key file');
  await address.fill('s3://mira-memory?endpoint=https://nas.lumen.works:9000');
  expect(await page.getByLabel('Key', { exact: true }).inputValue()).toBe('ambient');
  await page.getByLabel('Key', { exact: true }).selectOption('An access key');
  expect(await button(page, 'Test').isDisabled()).toBe(true);
  await page.getByLabel('Id of the access key').fill('AKIDMIRA');
  const secret = page.getByLabel('Its secret');
  expect(await secret.getAttribute('type')).toBe('password');
  await secret.fill('not a secret');
  await button(page, 'Test').click();
  await page.getByText('The test worked.').waitFor();
  await sound(page, trouble);
  await shoot(page, 'flow-access-key');
  await button(page, 'Start the first copy').click();
  await title(page, /First copy: about 50/);
  await context.close();
});

test('a sign-in to Google that has ended is begun again from Home', async () => {
  const { page, trouble, context } = await open(browser, 'home', { scene: 'google-ended' });
  await button(page, 'Sign in to Google…').click();
  await title(page, 'Google asks you to sign in again');
  await button(page, 'Sign in as mira@lumen.works').click();
  await page.getByText('Go on in your browser.').waitFor();
  await sound(page, trouble);
  await control('step');
  await title(page, 'You are protected');
  await context.close();
});

test('copies that are encrypted ask for their key', async () => {
  const { page, context } = await open(browser, '', { scene: 'new' });
  await page.getByRole('link', { name: 'Back up to my own storage' }).click();
  await page.getByLabel('Storage address').fill('gs://sealed');
  await button(page, 'Test').click();
  await button(page, 'Start the first copy').click();
  await page.getByText('The copies of mira in gs://sealed are encrypted.').waitFor();
  expect(await button(page, 'Start the first copy').isDisabled()).toBe(true);
  const field = page.getByLabel('Recovery key of these copies');
  expect(await field.getAttribute('type')).toBe('password');
  await field.fill(`AGE-SECRET-KEY-1${'q'.repeat(59)}`);
  await button(page, 'Start the first copy').click();
  await title(page, /First copy: about 50/);
  await context.close();
});

test('decide later says that nothing is protected', async () => {
  const { page, context } = await open(browser, '', { scene: 'new' });
  await button(page, /Decide later/).click();
  await title(page, 'This memory is not protected');
  await context.close();
});

test('sign in without a server has a way on', async () => {
  const { page, context } = await open(browser, 'sign-in', { scene: 'new' });
  await page.getByText('Where is your account?').waitFor();
  await page.getByRole('link', { name: 'Back up to my own storage' }).click();
  await title(page, 'Where should the copy live?');
  await context.close();
});

test('a moment is looked into, restored, and the restore undone', async () => {
  const { page, trouble, context } = await open(browser, 'restore', { scene: 'protected' });
  await page.getByText('Choose a moment to see what changed since.').waitFor();
  await page.getByLabel('Moment', { exact: true }).fill('11:42:30');
  await page.keyboard.press('Enter');
  await page.getByText('Brings back 6 rows, changes 4 back, takes away 428').waitFor();
  await page.getByText('Use sqlc, not an ORM').waitFor();
  await button(page, 'Restore to 11:42:30').click();
  await page.getByText('Fetch 11:42:30 from').waitFor();
  for (const next of ['Check that it is readable', 'Keep the state of now', 'Writing it into the file']) {
    await control('step');
    await page.locator('li.now', { hasText: next }).waitFor();
  }
  await sound(page, trouble);
  await shoot(page, 'flow-restoring');
  await control('step');
  await page.locator('li.now', { hasText: 'Comparing every row' }).waitFor();
  await control('step');
  await title(page, 'Your memory is as it was at 11:42:30');
  await page.getByText('128,009 of 128,009 rows are the same as in the copy').waitFor();
  await sound(page, trouble);
  await shoot(page, 'flow-restored');
  await button(page, 'Undo this restore').click();
  for (const next of ['Check that', 'Keep the', 'Writing', 'Comparing']) {
    await control('step');
    await page.locator('li.now', { hasText: next }).waitFor();
  }
  await control('step');
  await title(page, 'The restore is undone');
  expect(trouble).toEqual([]);
  await context.close();
});

test('a restore can be canceled, and goes on while another view is shown', async () => {
  const { page, context } = await open(browser, 'restore?at=2026-11-23T11%3A42%3A30Z', { scene: 'protected' });
  await button(page, 'Restore to 11:42:30').click();
  await title(page, /^Restoring to 11:42:30/);
  await page.getByRole('link', { name: 'Activity' }).click();
  await title(page, 'Activity');
  await page.getByRole('link', { name: 'Restore', exact: true }).click();
  await button(page, 'Cancel and put everything back').click();
  await page.getByText('Canceled. Every row is as it was.').waitFor();
  await context.close();
});

test('a moment is saved as a new file, and what refuses it is told', async () => {
  const { page, context } = await open(browser, 'restore?at=2026-11-23T11%3A42%3A30Z', { scene: 'protected' });
  await button(page, 'Save this moment as a new file').click();
  await page.getByLabel('Path of the new file').fill('/full/context.db');
  await button(page, 'Save 11:42:30 as a new file').click();
  await page.getByText('This disk has 90 MB left, the restore needs 830 MB.').waitFor();
  await button(page, 'Save this moment as a new file').click();
  await page.getByLabel('Path of the new file').fill('/tmp/then.db');
  await button(page, 'Save 11:42:30 as a new file').click();
  await title(page, /^Restoring/);
  for (let i = 0; i < 5; i++) await control('step');
  await title(page, '11:42:30 is saved as a new file');
  await context.close();
});

test('pausing, resuming and turning off', async () => {
  const { page, context } = await open(browser, 'settings', { scene: 'protected' });
  await page.getByLabel('Pause').selectOption('Until I resume');
  await page.getByRole('link', { name: 'Home' }).click();
  await title(page, 'Paused until you resume');
  await button(page, 'Resume now').click();
  await title(page, 'You are protected');
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByRole('radio', { name: 'Off' }).check();
  await page.getByRole('link', { name: 'Home' }).click();
  await title(page, 'This memory is not protected');
  await button(page, 'Protect it again').click();
  await title(page, 'You are protected');
  await context.close();
});

test('everything can be done with the keyboard', async () => {
  const { page, trouble, context } = await open(browser, 'home', { scene: 'protected' });
  await title(page, 'You are protected');
  const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim() ?? '');
  const seen: string[] = [];
  for (let i = 0; i < 8; i++) {
    await page.keyboard.press('Tab');
    seen.push(await focused());
  }
  expect(seen.slice(0, 7).map((s) => s.replace(/\s+/g, ' '))).toEqual(
    ['Skip to the page', expect.stringContaining('Protected'), 'Home', 'Restore', 'Activity', 'Settings', 'Prove again now']);
  await page.keyboard.press('Enter'); // on the first figure
  await page.getByText('All changes on this machine have been copied.').waitFor();
  await page.keyboard.press('Escape');
  await page.getByText('All changes on this machine have been copied.').waitFor({ state: 'hidden' });
  await button(page, 'Prove again now').press('Enter');
  expect(await focused()).toBe('Prove again now');
  await control('step');

  await page.keyboard.press('2');
  await title(page, 'Restore');
  const slider = page.getByRole('slider', { name: 'Moment to restore' });
  await slider.focus();
  const value = () => slider.getAttribute('aria-valuetext');
  const newest = await value();
  await page.keyboard.press('ArrowLeft');
  expect(await value()).not.toBe(newest);
  await page.keyboard.press('PageDown');
  expect(await value()).toBe('Today 13:02:30');
  await page.keyboard.press('Home');
  expect(await value()).toMatch(/^24 Oct/);
  await page.keyboard.press('End');
  expect(await value()).toBe(newest);

  await page.keyboard.press('/');
  await title(page, 'Activity');
  await page.waitForFunction(() => document.activeElement?.id === 'filter');
  await page.getByText('Start at login was turned on').waitFor();
  await page.keyboard.type('login');
  await page.waitForFunction(() => document.querySelectorAll('.log').length === 1);
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await page.keyboard.press('4');
  await title(page, 'Settings');
  await button(page, 'Quit CODITECT Sync…').press('Enter');
  await page.getByRole('alertdialog').waitFor();
  expect(await focused()).toBe('Keep it running');
  await shoot(page, 'flow-quit', false);
  await sound(page, trouble);
  await page.keyboard.press('Escape');
  await page.getByRole('alertdialog').waitFor({ state: 'hidden' });
  await context.close();
});

test('a shorter history is asked about, and one that costs more says so first', async () => {
  const { page, trouble, context } = await open(browser, 'settings', { scene: 'protected' });
  const keep = page.getByRole('combobox', { name: 'Keep' });
  await keep.selectOption('Longer');
  await page.getByText('Then it costs about $1.13 a month').waitFor();
  await sound(page, trouble);
  await shoot(page, 'flow-keep-costs');
  await button(page, 'Leave it as it is').click();
  expect(await keep.inputValue()).toBe('default');
  await keep.selectOption('Longer');
  await button(page, 'Keep more').click();
  await page.getByText('every hour for 90 days').waitFor();
  expect(await keep.inputValue()).toBe('long');
  await keep.selectOption('A short time');
  await page.getByRole('alertdialog', { name: 'Let 1,204 of 4,210 moments go?' }).waitFor();
  await page.getByText('Then it costs about $0.33 a month').waitFor();
  await sound(page, trouble);
  await shoot(page, 'flow-keep-shorter', false);
  await page.keyboard.press('Enter'); // the safe answer has the focus
  await page.getByRole('alertdialog').waitFor({ state: 'hidden' });
  expect(await keep.inputValue()).toBe('long');
  await keep.selectOption('A short time');
  await button(page, 'Let 1,204 moments go').click();
  await page.getByText('every hour for a week').waitFor();
  expect(await keep.inputValue()).toBe('short');
  await context.close();
});

test('what a memory holds never runs', async () => {
  const { page, trouble, context } = await open(browser, 'home', { scene: 'hostile' });
  await page.getByRole('heading', { level: 1 }).waitFor();
  for (const hash of ['home', 'restore?at=2026-11-23T11%3A42%3A30Z', 'activity', 'settings', 'first-run/file']) {
    await page.evaluate((to) => { location.hash = `#/${to}`; }, hash);
    if (hash.startsWith('restore')) {
      await button(page, /Show \d+ more/).click();
      for (const attack of Attacks) expect(await page.locator('.ex').textContent()).toContain(attack);
    }
    await page.waitForFunction(() => document.readyState === 'complete');
    expect(await page.evaluate(() => (window as { pwned?: unknown }).pwned)).toBeUndefined();
    expect(await page.locator('#page script, #page iframe, #page [onerror], #page [onload], #page math, #page form:not(.solo-form):not(.field)').count()).toBe(0);
    await shoot(page, `hostile-${hash.split(/\W/)[0]}`);
  }
  expect(trouble).toEqual([]);
  await context.close();
});

test('a window without a locale is not left blank', async () => {
  const { page, trouble, context } = await open(browser, 'home', { scene: 'protected' });
  await page.addInitScript(() => {
    Object.defineProperty(navigator, 'language', { get: () => 'C' });
    Object.defineProperty(navigator, 'languages', { get: () => ['C'] });
  });
  await page.reload();
  await title(page, 'You are protected');
  expect(await page.evaluate(() => document.documentElement.dataset['locale'])).toBe('en-GB');
  expect(trouble).toEqual([]);
  await context.close();
});
