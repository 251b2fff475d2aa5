// Machines as people name them. Pure.
import type { Machine } from './api/types';

export const nameOf = (m: Machine): string => m.name || m.host || m.id;
export const portable = (m: Machine): boolean => /mac|book|laptop|thinkpad/i.test(`${m.host} ${m.os} ${m.name ?? ''}`);
