package window

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"

	"github.com/coditect-ai/coditect-sync/app"
)

// maxSaved bounds what the page may have saved: logs are the largest part.
const maxSaved = 64 << 20

// dialogs are the system's own. Each blocks until the person has chosen; "" means that they did not.
type dialogs interface {
	openFile(title, dir string) (string, error)
	saveFile(title, name string) (string, error)
}

// native answers what only a window can do.
type native struct {
	// life ends with the window.
	life    context.Context
	dialogs dialogs
	starter *starter
	cancel  func(call string)
	log     *slog.Logger

	open sync.Mutex // one dialog at a time: Wails mixes the answers of two

	mu     sync.Mutex
	chosen map[string]bool // paths that a person chose to save to, each good for one file
}

func (n *native) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /native", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, map[string][]string{"can": {"open-file", "save-file", "save-text", "start", "cancel"}}, nil)
	})
	mux.Handle("POST /native/open-file", n.asked(n.openFile))
	mux.Handle("POST /native/save-file", n.asked(n.saveFile))
	mux.Handle("POST /native/save-text", n.asked(n.saveText))
	mux.Handle("POST /native/start", n.asked(n.start))
	mux.Handle("POST /native/cancel", n.asked(n.cancelCall))
	return mux
}

// question is the body of every request; each kind uses some of it.
type question struct {
	Title string            `json:"title"`
	Dir   string            `json:"dir"`
	Name  string            `json:"name"`
	Path  string            `json:"path"`
	Files map[string]string `json:"files"`
	Call  string            `json:"call"`
}

func (n *native) openFile(_ context.Context, q question) (string, error) {
	return n.dialog(func() (string, error) { return n.dialogs.openFile(q.Title, q.Dir) })
}

// saveFile remembers the answer: only there may the page have something saved.
func (n *native) saveFile(_ context.Context, q question) (string, error) {
	path, err := n.dialog(func() (string, error) { return n.dialogs.saveFile(q.Title, filepath.Base(q.Name)) })
	if err == nil && path != "" {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.chosen == nil {
			n.chosen = map[string]bool{}
		}
		n.chosen[path] = true
	}
	return path, err
}

func (n *native) dialog(ask func() (string, error)) (string, error) {
	if !n.open.TryLock() {
		return "", app.Errorf(app.CodeBusy, "window", "A dialog is open already.")
	}
	defer n.open.Unlock()
	return ask()
}

func (n *native) saveText(_ context.Context, q question) (string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.chosen[q.Path] {
		return "", app.Errorf(app.CodeDenied, "save", "Nobody chose to save there.")
	}
	if err := saveTexts(q.Path, q.Files); err != nil {
		return "", err
	}
	delete(n.chosen, q.Path)
	return q.Path, nil
}

// start answers when the agent does.
func (n *native) start(ctx context.Context, _ question) (string, error) {
	n.starter.begin(n.life)
	return "", n.starter.wait(ctx)
}

func (n *native) cancelCall(_ context.Context, q question) (string, error) {
	n.cancel(q.Call)
	return "", nil
}

func (n *native) asked(f func(context.Context, question) (path string, err error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.log.Debug("page asks", "method", r.Method, "path", r.URL.Path)
		var q question
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxSaved)).Decode(&q); err != nil {
			reply(w, nil, app.Errorf(app.CodeInvalid, "window", "The request is not understood.").Wrap(err))
			return
		}
		path, err := f(r.Context(), q)
		reply(w, map[string]string{"path": path}, err)
	})
}

// reply says what went wrong in plain sentences, which the page shows as they are.
func reply(w http.ResponseWriter, out any, err error) {
	if e := app.AsError("window", err); e != nil {
		text := e.Message
		if e.Hint != "" {
			text += " " + e.Hint
		}
		http.Error(w, text, e.Code.HTTPStatus())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(out) // a page that closed needs no reply
}
