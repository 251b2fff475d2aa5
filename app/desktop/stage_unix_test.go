//go:build unix && !darwin

package desktop

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

const busVariable = "DBUS_SESSION_BUS_ADDRESS"

// popups is a notification service as a desktop has one.
type popups struct {
	t    *testing.T
	conn *dbus.Conn
	can  []string

	mu     sync.Mutex
	last   uint32
	shown  map[uint32]popup
	closed []uint32
}

type popup struct {
	name, icon, title, body string
	actions                 []string
	hints                   map[string]dbus.Variant
	replaced                uint32
	expires                 int32
}

func startPopups(t *testing.T, address string, can ...string) *popups {
	t.Helper()
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	p := &popups{t: t, conn: conn, can: can, shown: map[uint32]popup{}}
	if err := conn.Export(p, servicePath, serviceName); err != nil {
		t.Fatal(err)
	}
	if reply, err := conn.RequestName(serviceName, dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatal(reply, err)
	}
	return p
}

// GetCapabilities is called over the bus, as are Notify and CloseNotification.
func (p *popups) GetCapabilities() ([]string, *dbus.Error) { return p.can, nil }

func (p *popups) Notify(name string, replaces uint32, icon, title, body string, actions []string, hints map[string]dbus.Variant, expires int32) (uint32, *dbus.Error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id := replaces
	if id == 0 {
		p.last++
		id = p.last
	}
	p.shown[id] = popup{name, icon, title, body, actions, hints, replaces, expires}
	return id, nil
}

func (p *popups) CloseNotification(id uint32) *dbus.Error {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.shown, id)
	p.closed = append(p.closed, id)
	return nil
}

func (p *popups) emit(signal string, args ...any) {
	p.t.Helper()
	if err := p.conn.Emit(servicePath, serviceName+"."+signal, args...); err != nil {
		p.t.Fatal(err)
	}
}

// one is the only popup on the screen.
func (p *popups) one() (id uint32, only popup) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.shown) != 1 {
		p.t.Fatalf("on the screen are %v", p.shown)
	}
	for id, only = range p.shown {
	}
	return id, only
}

// newest is the number of the last new popup.
func (p *popups) newest() uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

func (p *popups) at(id uint32) popup {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.shown[id]
}

// shows is what keeps n popups from being on the screen.
func (p *popups) shows(n int) func() string {
	return func() string {
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.shown) != n {
			return fmt.Sprintf("on the screen are %v", p.shown)
		}
		return ""
	}
}

// opened is a stage whose clicks are told to a channel.
func opened(t *testing.T) (*stage, <-chan string) {
	t.Helper()
	views := make(chan string, 10)
	s := newStage(Config{
		Open:   func(view string) error { views <- view; return nil },
		Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	t.Cleanup(s.close)
	return s, views
}

func mustShow(t *testing.T, s *stage, n Notice) {
	t.Helper()
	if err := s.show(t.Context(), n); err != nil {
		t.Fatal(err)
	}
}

func wantView(t *testing.T, views <-chan string, want string) {
	t.Helper()
	select {
	case got := <-views:
		if got != want {
			t.Errorf("opened %q, want %q", got, want)
		}
	case <-time.After(patience):
		t.Fatalf("%q was not opened", want)
	}
}

// patience is how long a test waits for what should come at once.
const patience = 20 * time.Second

// eventually waits until problem is "", and fails with the last one.
func eventually(t *testing.T, problem func() string) {
	t.Helper()
	last := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if last = problem(); last == "" {
			return
		}
	}
	t.Fatal(last)
}

var (
	broken = Notice{Kind: Needs, Title: "Your storage & <b>mine</b>.", Body: "Use <another> key & go on.", View: "home", Urgent: true}
	cured  = Notice{Kind: Well, Title: "You are protected again.", View: "home"}
	back   = Notice{Kind: Restored, Title: "Your memory is as it was.", View: "restore"}
)

func TestShownOnTheDesktop(t *testing.T) {
	address := apptest.StartBus(t)
	t.Setenv(busVariable, address)
	p := startPopups(t, address, "actions", "body", "body-markup")
	s, views := opened(t)
	mustShow(t, s, broken)
	id, got := p.one()
	if got.name != "CODITECT Sync" || got.icon != "coditect-sync" || got.title != broken.Title || got.body != "Use &lt;another&gt; key &amp; go on." {
		t.Errorf("shown is %+v", got)
	}
	if want := "[default Show what to do]"; fmt.Sprint(got.actions) != want || got.expires != 0 {
		t.Errorf("the actions are %v, for %d ms", got.actions, got.expires)
	}
	if got.hints["urgency"].Value() != byte(2) || got.hints["desktop-entry"].Value() != "coditect-sync" {
		t.Errorf("the hints are %v", got.hints)
	}
	p.emit("ActionInvoked", id+7, "default") // of another program
	p.emit("ActionInvoked", id, "default")
	wantView(t, views, "home")
	mustShow(t, s, cured)
	if again, got := p.one(); again != id || got.replaced != id || got.title != cured.Title || got.hints["urgency"].Value() != byte(1) || got.expires != -1 {
		t.Errorf("not replaced: %d %+v", again, got)
	}
	mustShow(t, s, back)
	p.emit("ActionInvoked", p.newest(), "default")
	wantView(t, views, "restore")
	if problem := p.shows(2)(); problem != "" {
		t.Error(problem)
	}
}

// TestClosedByAPerson: what is gone is not replaced, and a click on it means nothing.
func TestClosedByAPerson(t *testing.T) {
	address := apptest.StartBus(t)
	t.Setenv(busVariable, address)
	p := startPopups(t, address, "actions")
	s, views := opened(t)
	mustShow(t, s, broken)
	id, got := p.one()
	if got.body != broken.Body {
		t.Errorf("a service without markup shows %q", got.body)
	}
	p.emit("NotificationClosed", id, uint32(2))
	p.emit("ActionInvoked", id, "default")
	mustShow(t, s, back) // its click comes after those signals
	p.emit("ActionInvoked", p.newest(), "default")
	wantView(t, views, "restore")
	mustShow(t, s, cured)
	if got := p.at(p.newest()); got.replaced != 0 || got.title != cured.Title {
		t.Errorf("shown is %+v", got)
	}
}

func TestTakenBack(t *testing.T) {
	address := apptest.StartBus(t)
	t.Setenv(busVariable, address)
	p := startPopups(t, address)
	s, _ := opened(t)
	s.withdraw(t.Context(), Needs) // nothing was shown
	mustShow(t, s, broken)
	id, got := p.one()
	if len(got.actions) != 0 {
		t.Errorf("a service without actions gets %v", got.actions)
	}
	s.withdraw(t.Context(), Needs)
	s.withdraw(t.Context(), Needs)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.shown) != 0 || len(p.closed) != 1 || p.closed[0] != id {
		t.Errorf("on the screen are %v, closed were %v", p.shown, p.closed)
	}
}

// TestNoDesktop: without a bus, with one that nobody serves, or with one that does not answer, show says so and nothing hangs.
func TestNoDesktop(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", "")
	silent, err := net.Listen("unix", filepath.Join(t.TempDir(), "bus"))
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, address := range []string{"", "autolaunch:", "unix:path=/nowhere/bus", "unix:path=" + silent.Addr().String(), apptest.StartBus(t)} {
		t.Setenv(busVariable, address)
		s, _ := opened(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if err := s.show(ctx, broken); err == nil {
			t.Errorf("%q: shown to nobody", address)
		}
		s.withdraw(ctx, Needs)
		cancel()
	}
}

// TestNextBus: after the session's bus was lost, the next notice goes to the one that is there then.
func TestNextBus(t *testing.T) {
	s, views := opened(t)
	for range 2 {
		address := apptest.StartBus(t)
		t.Setenv(busVariable, address)
		p := startPopups(t, address, "actions")
		mustShow(t, s, broken)
		id, _ := p.one()
		p.emit("ActionInvoked", id, "default")
		wantView(t, views, "home")
		lost := s.conn.Context().Done()
		_ = s.conn.Close()
		<-lost
	}
}

// judged is a service that tells when the first Status it gave out was taken.
type judged struct {
	*apptest.FakeService
	once  sync.Once
	taken chan struct{}
}

func (j *judged) Watch(ctx context.Context, since uint64) (app.Status, error) {
	if since > 0 {
		j.once.Do(func() { close(j.taken) })
	}
	return j.FakeService.Watch(ctx, since)
}

// TestNotify: a restore is told while the program runs, and a click on it opens the view.
func TestNotify(t *testing.T) {
	address := apptest.StartBus(t)
	t.Setenv(busVariable, address)
	p := startPopups(t, address, "actions")
	service := &judged{FakeService: &apptest.FakeService{}, taken: make(chan struct{})}
	service.Publish(scene(t, "protected"))
	views, ended := make(chan string, 1), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(ended)
		Notify(ctx, Config{
			Service: service, Logger: slog.New(slog.DiscardHandler), Wants: func() app.Notify { return all },
			Open: func(view string) error { views <- view; return nil },
		})
	}()
	<-service.taken
	service.Publish(scene(t, "restored"))
	eventually(t, p.shows(1))
	id, got := p.one()
	if want := restored(*scene(t, "restored").Undo); got.title != want.Title || got.body != want.Body {
		t.Errorf("shown is %+v", got)
	}
	p.emit("ActionInvoked", id, "default")
	wantView(t, views, "restore")
	cancel()
	<-ended
}
