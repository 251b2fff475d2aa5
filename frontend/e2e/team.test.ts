// What a person does about who sees what: sharing a project, teams and who is in them.
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { attacks as Attacks } from '../test/goldens';
import { launch, open, shoot, sound } from './browser';

let browser: Browser;
beforeAll(async () => { browser = await launch(); });
afterAll(async () => { await browser.close(); });

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name });
const focused = (page: Page) => page.evaluate(() => document.activeElement?.textContent?.trim());
const title = (page: Page, name: string | RegExp) => page.getByRole('heading', { level: 2, name }).waitFor();

test('a project is shared, narrowed, and shared no more', async () => {
  const { page, trouble, context } = await open(browser, 'home', { scene: 'cloud-synced' });
  await page.getByText('Last 8 hours').waitFor();
  await page.keyboard.press('4');
  await page.getByRole('heading', { level: 1, name: 'Team' }).waitFor();
  await button(page, /^Only you.*who can see thesis$/).click();
  await title(page, 'Who can see thesis');
  await expect.poll(() => focused(page)).toBe('Who can see thesis');
  await page.getByText('Only you, on 3 machines. Nobody else.').waitFor();
  await page.getByLabel('Share with').selectOption('Team Platform');
  await page.getByText('3 people in Platform will see its 12,044 rows, and can change them.').waitFor();
  expect(await page.locator('.row', { hasText: 'thesis' }).textContent()).toContain('Only you'); // choosing does nothing
  await page.getByLabel('They can').selectOption('can only read');
  await page.getByText('and can only read them.').waitFor();
  await sound(page, trouble);
  await shoot(page, 'flow-team-share');
  await button(page, 'Share with team Platform').click();
  await page.getByText('thesis: Team Platform. It takes effect for the others').waitFor();
  await page.getByText('3 people, 5 machines. Nobody else.').waitFor();
  await page.locator('.row', { hasText: 'Jonas Weber' }).getByText('can only read').waitFor();
  await expect.poll(() => page.evaluate(() => document.activeElement?.id)).toBe('share');
  await sound(page, trouble);
  await page.getByLabel('They can').selectOption('can write');
  await button(page, 'Let members write').click();
  await page.locator('.row', { hasText: 'Jonas Weber' }).getByText('can write').waitFor();
  await page.getByLabel('Share with').selectOption('Everyone at Lumen Works');
  await button(page, 'Leave it as it is').click();
  expect(await page.getByLabel('Share with').inputValue()).toBe('team:t-platform');
  await page.getByLabel('Share with').selectOption('Only me');
  await button(page, 'Stop sharing').click();
  await page.getByText('Only you, on 3 machines. Nobody else.').waitFor();
  await context.close();
});

test('somebody else’s project says whose it is, and offers nothing', async () => {
  const { page, trouble, context } = await open(browser, 'team', { scene: 'cloud-synced' });
  await button(page, /^Team Platform.*who can see roadmap$/).click();
  await page.getByText('jonas@lumen.works says who sees this project.').waitFor();
  expect(await page.getByLabel('Share with').count()).toBe(0);
  await sound(page, trouble);
  await shoot(page, 'flow-team-theirs');
  await context.close();
});

test('somebody alone makes a team and invites others, with and without an account', async () => {
  const { page, trouble, context } = await open(browser, 'team/people', { scene: 'cloud-alone' });
  await page.getByText('You are alone here.').waitFor();
  await page.getByLabel('Name of the new team').fill('Payments');
  await page.keyboard.press('Enter');
  await page.getByText('The team Payments is there.').waitFor();
  await page.getByText('Payments, 1 person.').waitFor();
  await page.getByLabel('Invite by e-mail').fill('jonas@lumen.works');
  await page.keyboard.press('Enter');
  await page.getByText('jonas@lumen.works is in the team.').waitFor();
  await page.locator('.row', { hasText: 'Jonas Weber' }).waitFor();
  await page.getByLabel('Invite by e-mail').fill('eva@lumen.works');
  await button(page, 'Invite').click();
  await page.getByText('A letter to eva@lumen.works is under way.').waitFor();
  const eva = page.locator('.row', { hasText: 'eva@lumen.works' });
  await eva.getByText('Invited just now by Mira. The link is good until 30 Nov.').waitFor();
  await sound(page, trouble);
  await shoot(page, 'flow-team-invited');
  await button(page, 'Withdraw the invitation of eva@lumen.works').click();
  await page.getByText('The invitation of eva@lumen.works is withdrawn. Its link is good for nothing.').waitFor();
  expect(await eva.count()).toBe(0);
  await page.getByLabel('Invite by e-mail').fill('nobody@lumen.works');
  await button(page, 'Invite').click();
  await page.getByText('This server does not invite people, and nobody here has that address.').waitFor();
  await page.getByLabel('Invite by e-mail').fill('sam@lumen.works');
  await button(page, 'Invite').click();
  await page.getByText('Pass this link on to sam@lumen.works and nobody else').waitFor();
  await page.getByText('https://sync.lumen.works/invited/').waitFor();
  await sound(page, trouble);
  await shoot(page, 'flow-team-invite');
  await context.close();
});

test('an admin is made, somebody is taken out after a question, and one leaves', async () => {
  const { page, trouble, context } = await open(browser, 'team/people', { scene: 'cloud-synced' });
  await page.getByText('Platform, 3 people.').waitFor();
  await button(page, 'Leave…').click();
  await button(page, 'Leave Platform').click();
  await page.getByText('A team keeps at least one admin.').waitFor();
  await button(page, 'Make admin: Jonas Weber').click();
  await page.getByText('Jonas Weber looks after the team now, too.').waitFor();
  await button(page, 'Remove Priya Raman').click();
  await page.getByRole('alertdialog').waitFor();
  await expect.poll(() => focused(page)).toBe('Keep them in it');
  await sound(page, trouble);
  await shoot(page, 'flow-team-remove', false);
  await page.keyboard.press('Escape');
  await page.getByRole('alertdialog').waitFor({ state: 'hidden' });
  await expect.poll(() => focused(page)).toBe('Remove…'); // where one was
  await button(page, 'Remove Priya Raman').click();
  await button(page, 'Remove Priya Raman').last().click();
  await page.getByText('Priya Raman is no longer in Platform.').waitFor();
  await button(page, 'Leave…').click();
  await button(page, 'Leave Platform').click();
  await page.getByText('You are no longer in Platform.').waitFor();
  await page.getByRole('radio', { name: 'Docs' }).waitFor();
  await page.getByText('Priya Raman can invite others.').waitFor();
  expect(await page.getByLabel('Invite by e-mail').count()).toBe(0);
  await sound(page, trouble);
  await context.close();
});

test('what strangers call things never runs, and many projects are filtered', async () => {
  const { page, trouble, context } = await open(browser, 'team', { scene: 'cloud-hostile' });
  await page.getByText('Show 8 more').click();
  const links = page.locator('.rows .end .link');
  expect(await links.count()).toBe(Attacks.length);
  for (let i = 0; i < Attacks.length; i++) {
    await links.nth(i).click();
    await page.locator('.seen').waitFor();
    expect(await page.locator('.seen').textContent()).toContain(Attacks[i]);
  }
  await sound(page, trouble);
  await page.getByLabel('Filter projects').fill('iframe');
  expect(await links.count()).toBe(1);
  await page.getByLabel('Filter projects').fill('no such thing');
  await page.getByText('No project is called that.').waitFor();
  await page.getByRole('radio', { name: 'People' }).check();
  await page.getByRole('radio', { name: Attacks[0]!, exact: true }).waitFor();
  await page.getByText('The link has expired: invite them again, or withdraw it.').waitFor();
  await sound(page, trouble);
  await shoot(page, 'flow-team-hostile');
  expect(await page.evaluate(() => (window as { pwned?: unknown }).pwned)).toBeUndefined();
  expect(await page.locator('#page script, #page iframe, #page [onerror], #page [onload], #page math').count()).toBe(0);
  await context.close();
});
