package standalone

import (
	"sync"

	"github.com/coditect-ai/coditect-sync/app"
)

// reports makes one report of those of all targets.
type reports struct {
	mu     sync.Mutex
	report func(app.Report) // nil while nobody listens
	of     []app.Report
}

// onChange has report called on every change from now on, and at once; nil ends that.
func (k *Keeper) onChange(report func(app.Report)) {
	if len(k.outlets) == 1 {
		k.outlets[0].status.onChange(report)
		return
	}
	k.reports.mu.Lock()
	k.reports.report, k.reports.of = nil, make([]app.Report, len(k.outlets))
	k.reports.mu.Unlock()
	for i, p := range k.outlets {
		p.status.onChange(nil)
		if report != nil {
			p.status.onChange(func(r app.Report) { k.reports.post(i, r) })
		}
	}
	k.reports.mu.Lock()
	defer k.reports.mu.Unlock()
	if k.reports.report = report; report != nil {
		report(together(k.reports.of))
	}
}

func (r *reports) post(i int, one app.Report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of[i] = one
	if r.report != nil {
		r.report(together(r.of))
	}
}

// together is the report of the target that is worst off, with all of them in Targets.
func together(of []app.Report) app.Report {
	var out app.Report
	var all []app.StandaloneStatus
	for _, r := range of {
		one := *r.Standalone
		one.Progress, one.Error = r.Progress, r.Fault
		all = append(all, one)
		out.Sent += r.Sent
	}
	st := app.WorstOff(all)
	out.Progress = st.Progress
	if st.Error != nil {
		fault := *st.Error
		fault.Message = "The storage " + st.Target + " needs you. " + fault.Message
		out.Fault = &fault
	}
	st.Targets, st.Progress, st.Error = all, nil, nil
	out.Standalone = &st
	return out
}
