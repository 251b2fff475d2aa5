package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/url"
	"os"
	"runtime"
	"strings"
)

// logTail is how much of the log's end goes into a bundle, in bytes.
const logTail = 256 << 10

// Diagnostics implements app.Outfitter. It reads the preferences' file without moving a damaged one aside: a bundle
// changes nothing.
func (a *Agent) Diagnostics(ctx context.Context) (map[string]string, error) {
	found, err := a.Doctor(ctx)
	if err != nil {
		return nil, err
	}
	events, err := a.Activity(ctx, 0)
	if err != nil {
		return nil, err
	}
	st, err := a.Status(ctx)
	if err != nil {
		return nil, err
	}
	hide := newRedactor(st.Machine, targetOf(st))
	files := map[string]string{}
	for name, text := range map[string][]byte{
		"about.json": pretty(a.about()), "status.json": pretty(st), "doctor.json": pretty(found), "activity.json": pretty(events),
		"prefs.json": a.prefsText(), "agent.log": tailOf(a.cfg.Layout.Log, logTail),
	} {
		files[name] = string(hide.redact(text))
	}
	return files, nil
}

func (a *Agent) about() map[string]any {
	return map[string]any{
		"version": a.cfg.Version, "sqlite": a.cfg.SQLiteVersion, "agent_runs": !a.cfg.Idle, "os": runtime.GOOS, "arch": runtime.GOARCH,
		"go": runtime.Version(), "cpus": runtime.NumCPU(), "time": a.cfg.Now().UTC(),
	}
}

func (a *Agent) prefsText() []byte {
	text, err := os.ReadFile(a.cfg.Layout.Prefs)
	if err != nil {
		return []byte("not there\n")
	}
	return text
}

func pretty(v any) []byte {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return []byte(err.Error())
	}
	return append(text, '\n')
}

// tailOf is the end of a file from the first whole line on; what is missing is empty.
func tailOf(path string, limit int64) []byte {
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer func() { _ = file.Close() }()
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return nil
	}
	text, err := io.ReadAll(io.NewSectionReader(file, max(0, size-limit), limit))
	if err != nil {
		return nil
	}
	if size > limit {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	return text
}

// places are what stands behind the scheme of a target, which may name a person or a company: all of it, and of a bucket
// at a server of one's own, and of a folder of another computer, also what the log has apart.
func places(target string) []string {
	_, rest, _ := strings.Cut(target, "://")
	u, err := url.Parse(target)
	if err == nil && u.Scheme == "sftp" {
		return []string{rest, u.Host, u.Hostname(), u.Path, u.User.Username()}
	}
	if err != nil || u.RawQuery == "" {
		return []string{rest}
	}
	parts := []string{rest, u.Query().Get("endpoint")}
	if e, err := url.Parse(parts[1]); err == nil {
		parts = append(parts, e.Host, e.Hostname())
	}
	return append(parts, u.Host+u.Path, u.Host)
}
