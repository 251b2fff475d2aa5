import { afterEach, expect, test, vi } from 'vitest';

afterEach(() => { vi.unstubAllGlobals(); vi.resetModules(); });

/** A window (or a browser) whose agent never answers; what was asked of it. */
async function started(native: boolean) {
  const asked: { path: string; call: string; body: unknown }[] = [];
  vi.stubGlobal('fetch', (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    asked.push({ path, call: headers.get('Coditect-Sync-Call') ?? '', body: init.body ? JSON.parse(init.body as string) : null });
    if (path === '/native') return Promise.resolve(new Response('{}', { status: native ? 200 : 404 }));
    if (path.startsWith('/native/')) return Promise.resolve(new Response('{"path":""}'));
    return new Promise((_, no) => { init.signal?.addEventListener('abort', () => { no(new Error('aborted')); }); });
  });
  const { api } = await import('../src/api/client');
  const abort = new AbortController();
  const restore = api.restore({ point: '0000000000000001' }, abort.signal).catch((e: { code: string }) => e.code);
  return { asked, abort, restore };
}

test('a restore that is given up is ended by its name in the window', async () => {
  const { asked, abort, restore } = await started(true);
  const [first] = asked;
  expect(first?.call).not.toBe('');
  abort.abort();
  expect(await restore).toBe('canceled');
  await vi.waitFor(() => { expect(asked.at(-1)).toMatchObject({ path: '/native/cancel', body: { call: first?.call } }); });
});

test('a browser hangs up by itself', async () => {
  const { asked, abort, restore } = await started(false);
  abort.abort();
  await restore;
  await vi.waitFor(() => { expect(asked.map((a) => a.path)).toContain('/native'); });
  expect(asked.map((a) => a.path)).not.toContain('/native/cancel');
});

test('several texts are saved as an archive', async () => {
  const asked: Record<string, unknown>[] = [];
  vi.stubGlobal('fetch', (path: string, init: RequestInit = {}) => {
    asked.push({ path, ...(init.body ? JSON.parse(init.body as string) as object : {}) });
    return Promise.resolve(new Response('{"path":"/home/mira/x.zip"}'));
  });
  const { saveTexts } = await import('../src/native');
  const files = { 'a.txt': 'a', 'b.txt': 'b' };
  expect(await saveTexts('Save', 'x.txt', files)).toBe('/home/mira/x.zip');
  expect(asked).toEqual([{ path: '/native' }, { path: '/native/save-file', title: 'Save', name: 'x.zip' },
    { path: '/home/mira/x.zip', files }]);
});
