package tray

import "time"

// steady is how long a change of icon waits.
const steady = time.Second

// debouncer holds back changes of the icon. The zero value has shown nothing yet.
type debouncer struct {
	shown Icon
	since time.Time // when the wanted icon began to differ from the shown one; zero while it does not
}

// next tells which icon to show at now, and when to ask again; zero for no need to. The second is counted from the
// moment the shown icon stopped being wanted, however often the wish changed since.
func (d *debouncer) next(want Icon, now time.Time) (show Icon, again time.Time) {
	switch {
	case want == d.shown:
		d.since = time.Time{}
	case d.shown == "", want.urgent():
		d.shown, d.since = want, time.Time{}
	case d.since.IsZero():
		d.since = now
		return d.shown, now.Add(steady)
	case now.Sub(d.since) < steady:
		return d.shown, d.since.Add(steady)
	default:
		d.shown, d.since = want, time.Time{}
	}
	return d.shown, time.Time{}
}
