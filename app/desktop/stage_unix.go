//go:build unix && !darwin

package desktop

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/coditect-ai/coditect-sync/app"
)

// The desktop's end of the protocol.
const (
	serviceName  = "org.freedesktop.Notifications"
	servicePath  = "/org/freedesktop/Notifications"
	callNotify   = serviceName + ".Notify"
	callClose    = serviceName + ".CloseNotification"
	callCan      = serviceName + ".GetCapabilities"
	heardInvoked = serviceName + ".ActionInvoked"
	heardClosed  = serviceName + ".NotificationClosed"
	// answerWithin limits a call: a service that is being started may take a while.
	answerWithin = 10 * time.Second
)

// stage is where notices are shown: the notification service on the session bus. It connects when there is something to
// show, with a connection of its own, because the one that libraries share is closed when the icon goes.
type stage struct {
	open func(view string) error
	log  *slog.Logger
	wg   sync.WaitGroup

	mu    sync.Mutex
	conn  *dbus.Conn
	can   []string
	shown map[string]showing // by subject
}

// showing is a notice on the screen.
type showing struct {
	id   uint32
	view string
}

func newStage(cfg Config) *stage {
	return &stage{open: cfg.Open, log: cfg.Logger, shown: map[string]showing{}}
}

// show puts a notice on the screen, in the place of an older one about the same.
func (s *stage) show(ctx context.Context, n Notice) error {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.connect(ctx); err != nil {
		return err
	}
	old := s.shown[n.Kind.subject()]
	actions := []string{"default", button(n.Kind)} // a second one would be a second button on some desktops
	if !slices.Contains(s.can, "actions") {
		actions = nil
	}
	var id uint32
	err := s.service().CallWithContext(ctx, callNotify, 0, "CODITECT Sync", old.id, "coditect-sync",
		n.Title, s.body(n.Body), actions, hints(n), expiry(n.Kind)).Store(&id)
	if err == nil {
		s.shown[n.Kind.subject()] = showing{id, n.View}
	}
	return err
}

// expiry is how many milliseconds a notice is shown. What needs somebody stays until they come, or until it is taken back.
func expiry(k Kind) int32 {
	if k == Needs {
		return 0
	}
	return -1 // as this desktop does it
}

func button(k Kind) string {
	if k == Needs {
		return "Show what to do"
	}
	return "Show"
}

func hints(n Notice) map[string]dbus.Variant {
	urgency := byte(1)
	if n.Urgent {
		urgency = 2
	}
	return map[string]dbus.Variant{"urgency": dbus.MakeVariant(urgency), "desktop-entry": dbus.MakeVariant("coditect-sync")}
}

// markup is what some services would take for formatting in a body.
var markup = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func (s *stage) body(text string) string {
	if slices.Contains(s.can, "body-markup") {
		return markup.Replace(text)
	}
	return text
}

// withdraw takes a notice off the screen, if it is there.
func (s *stage) withdraw(ctx context.Context, k Kind) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	old, there := s.shown[k.subject()]
	if !there || s.conn == nil {
		return
	}
	delete(s.shown, k.subject())
	if err := s.service().CallWithContext(ctx, callClose, 0, old.id).Err; err != nil {
		s.log.Debug("notification not taken back", "error", err)
	}
}

func (s *stage) service() dbus.BusObject { return s.conn.Object(serviceName, servicePath) }

// connect makes sure that there is a connection to a session bus that runs already, and that clicks are heard.
func (s *stage) connect(ctx context.Context) error {
	if s.conn != nil && s.conn.Connected() {
		return nil
	}
	address, err := busAddress()
	if err != nil {
		return err
	}
	conn, err := dial(ctx, address)
	if err != nil {
		return err
	}
	s.conn, s.shown = conn, map[string]showing{}
	heard := make(chan *dbus.Signal, 16)
	conn.Signal(heard)
	s.wg.Go(func() { s.listen(heard) })
	match := conn.AddMatchSignalContext(ctx, dbus.WithMatchObjectPath(servicePath), dbus.WithMatchInterface(serviceName))
	return errors.Join(match, s.service().CallWithContext(ctx, callCan, 0).Store(&s.can))
}

// dial connects before ctx ends; the connection outlives ctx.
func dial(ctx context.Context, address string) (*dbus.Conn, error) {
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	late := context.AfterFunc(ctx, end)
	conn, err := dbus.Connect(address, dbus.WithContext(life))
	if err != nil || !late() {
		end()
		return nil, errors.Join(err, ctx.Err())
	}
	context.AfterFunc(conn.Context(), end)
	return conn, nil
}

// busAddress finds the session bus as the specification says, but for starting one, which the library would do.
func busAddress() (string, error) {
	if address := os.Getenv("DBUS_SESSION_BUS_ADDRESS"); address != "" && address != "autolaunch:" {
		return address, nil
	}
	path := filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "bus")
	if !filepath.IsAbs(path) {
		return "", app.Errorf(app.CodeNotFound, "notify", "There is no session bus.")
	}
	if _, err := os.Stat(path); err != nil {
		return "", err
	}
	return "unix:path=" + dbus.EscapeBusAddressValue(path), nil
}

// listen opens the window for clicks until the connection ends.
func (s *stage) listen(heard <-chan *dbus.Signal) {
	for signal := range heard {
		if len(signal.Body) < 2 {
			continue
		}
		id, ok := signal.Body[0].(uint32)
		if !ok {
			continue
		}
		switch signal.Name {
		case heardInvoked:
			s.clicked(id)
		case heardClosed:
			s.closed(id)
		}
	}
}

func (s *stage) clicked(id uint32) {
	view, ok := s.viewOf(id)
	if !ok {
		return
	}
	if err := s.open(view); err != nil {
		s.log.Warn("window not opened", "view", view, "error", err)
	}
}

func (s *stage) viewOf(id uint32) (view string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, shown := range s.shown {
		if shown.id == id {
			return shown.view, true
		}
	}
	return "", false
}

func (s *stage) closed(id uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for subject, shown := range s.shown {
		if shown.id == id {
			delete(s.shown, subject)
		}
	}
}

// close ends the connection. What is on the screen stays there: it is still true.
func (s *stage) close() {
	s.mu.Lock()
	conn := s.conn
	s.conn = nil
	s.mu.Unlock()
	if conn != nil {
		_ = conn.Close() // nothing is under way
	}
	s.wg.Wait()
}
