// What stands below a meter: how much of what, how fast, how long. Pure.
import type { Progress } from './api/types';
import type { Format } from './format';
import { words } from './words';

const m = words.cloud.meter;

export function meterOf(p: Progress, f: Format): { left: string; right: string } {
  if (p.unit === 'bytes') return { left: f.part(p.done, p.total), right: p.rate ? words.restore.rate(f.bytes(p.rate)) : '' };
  const [done, total] = [f.count(p.done), f.count(p.total)];
  const remaining = p.eta_seconds ? m.left(f.left(p.eta_seconds)) : '';
  switch (p.phase) {
    case 'first_sync': case 'catching_up': return { left: m.received(done, total), right: rate(p, f) };
    case 'uploading': return { left: m.sent(done, total), right: rate(p, f) };
    case 'enrol': return { left: m.recorded(done, total), right: rate(p, f) };
    case 'proof': return { left: p.unit === 'tables' ? m.compared(done, total) : m.plain(done, total), right: remaining };
    case 'moving': return { left: p.unit === 'rows' ? m.plain(done, total) : f.percent(p.done / p.total), right: remaining };
    default: return { left: f.percent(p.done / p.total), right: '' };
  }
}

function rate(p: Progress, f: Format): string {
  return p.rate && p.unit === 'rows' ? m.rate(f.count(p.rate)) : '';
}
