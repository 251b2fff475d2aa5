// Which view is shown: #/home, #/restore?at=…, or ?view=restore. The window puts the view to begin with into the page.

export type View = 'home' | 'restore' | 'activity' | 'team' | 'lost' | 'settings' | 'first-run' | 'move';
export interface Route {
  view: View;
  /** a part of the view, e.g. storage in the first run or diagnostics in the settings */
  part: string;
  query: URLSearchParams;
}

const views: readonly string[] = ['home', 'restore', 'activity', 'team', 'lost', 'settings', 'first-run', 'move'];
/** Names that others open the window with, for parts of views. */
const others: Record<string, [View, string]> = {
  'sign-in': ['first-run', 'sign-in'], diagnostics: ['settings', 'diagnostics'], doctor: ['settings', 'doctor'],
  account: ['settings', 'account'], machines: ['team', 'machines'],
};

export function routeOf(hash: string, search = ''): Route {
  const wanted = hash.replace(/^#\/?/, '') || (new URLSearchParams(search).get('view') ?? '');
  const [path = '', query = ''] = wanted.split('?', 2);
  const [name = '', part = ''] = path.split('/', 2);
  const other = others[name];
  if (other) return { view: other[0], part: other[1], query: new URLSearchParams(query) };
  return { view: views.includes(name) ? (name as View) : 'home', part, query: new URLSearchParams(query) };
}

export function go(to: string): void {
  location.hash = `#/${to}`;
}
