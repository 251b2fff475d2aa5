// What only the window can do: the system's own file dialogs, starting the agent. A plain browser has none of it.

let answer: Promise<boolean> | null = null;

/** Tells whether the page is in the window. */
export function isNative(): Promise<boolean> {
  answer ??= fetch('/native', { cache: 'no-store' }).then((r) => r.ok, () => false);
  return answer;
}

async function ask(what: string, body: unknown): Promise<string> {
  const res = await fetch(`/native/${what}`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  if (!res.ok) throw new Error(await res.text());
  return ((await res.json()) as { path: string }).path;
}

/** The path a person chose, "" when they did not. */
export const openFile = (title: string, dir = ''): Promise<string> => ask('open-file', { title, dir });
export const saveFile = (title: string, name: string): Promise<string> => ask('save-file', { title, name });
/** Starts the agent, and returns when it answers. */
export const startAgent = (): Promise<unknown> => ask('start', {});

/** Fetches under a name, by which it is ended when the signal says so: the window is not told that a page gave one up. */
export async function fetchNamed(path: string, init: RequestInit, signal: AbortSignal): Promise<Response> {
  const call = `${Date.now()}-${Math.random()}`;
  const end = (): void => {
    void isNative().then((yes) => { if (yes) void ask('cancel', { call }).catch(() => undefined); });
  };
  signal.addEventListener('abort', end);
  try {
    return await fetch(path, { ...init, headers: { ...init.headers, 'Coditect-Sync-Call': call } });
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** Saves texts where a person says: in the window through its dialog, several as an archive, in a browser as a download. "" when canceled. */
export async function saveTexts(title: string, name: string, files: Record<string, string>): Promise<string> {
  if (await isNative()) {
    const path = await saveFile(title, Object.keys(files).length > 1 ? name.replace(/\.txt$/, '.zip') : name);
    if (path) await ask('save-text', { path, files });
    return path;
  }
  const whole = Object.entries(files).map(([file, text]) => `== ${file}\n${text}`).join('\n');
  const url = URL.createObjectURL(new Blob([whole], { type: 'text/plain' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
  return name;
}

/** Copies text; false when the system does not let it. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
