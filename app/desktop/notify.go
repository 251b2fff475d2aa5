package desktop

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// Config configures Notify. All fields must be set.
type Config struct {
	Service app.Watcher
	// Wants tells which notices a person wants. It is asked whenever there is one.
	Wants func() app.Notify
	// Open opens the window at a view, or raises it.
	Open   func(view string) error
	Logger *slog.Logger
}

// Notify tells a person what they must know until ctx ends, and returns when everything it started has ended. It works on,
// silently, where the system shows no notices.
func Notify(ctx context.Context, cfg Config) {
	statuses := make(chan app.Status)
	var wg sync.WaitGroup
	wg.Go(func() { follow(ctx, cfg.Service, statuses) })
	n := notifier{cfg: cfg, stage: newStage(cfg)}
	n.run(ctx, statuses)
	n.stage.close()
	wg.Wait()
}

// notifier judges every Status and shows what is worth it.
type notifier struct {
	cfg     Config
	stage   *stage
	settler settler
	status  app.Status
}

func (n *notifier) run(ctx context.Context, statuses <-chan app.Status) {
	timer := time.NewTimer(0)
	timer.Stop()
	for {
		select {
		case n.status = <-statuses:
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		timer.Stop()
		if again := n.look(ctx, time.Now()); !again.IsZero() {
			timer.Reset(time.Until(again))
		}
	}
}

// look tells what is worth telling at now, takes back what is no longer true, and returns when to look again.
func (n *notifier) look(ctx context.Context, now time.Time) (again time.Time) {
	before, after, again := n.settler.next(n.status, now)
	notices := Notices(before, after, app.Notify{Needs: true, Well: true, Restored: true})
	if len(notices) > 0 {
		notices = Notices(before, after, n.cfg.Wants())
	}
	if causeOf(before) != "" && causeOf(after) == "" && !slices.ContainsFunc(notices, Notice.tellsWell) {
		n.stage.withdraw(ctx, Needs)
	}
	for _, notice := range notices {
		if err := n.stage.show(ctx, notice); err != nil {
			n.cfg.Logger.Info("notification not shown", "kind", notice.Kind, "error", err)
			continue
		}
		n.cfg.Logger.Debug("notification shown", "kind", notice.Kind, "view", notice.View)
	}
	return again
}

func (n Notice) tellsWell() bool { return n.Kind == Well }

// follow hands over every Status until ctx ends.
func follow(ctx context.Context, service app.Watcher, statuses chan<- app.Status) {
	rev, wait := uint64(0), time.Second
	for ctx.Err() == nil {
		st, err := service.Watch(ctx, rev)
		if err == nil {
			rev, wait = st.Rev, time.Second
			select {
			case statuses <- st:
			case <-ctx.Done():
			}
			continue
		}
		rev = 0
		select {
		case <-time.After(wait):
			wait = min(2*wait, 30*time.Second)
		case <-ctx.Done():
		}
	}
}
