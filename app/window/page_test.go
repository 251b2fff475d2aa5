package window

import (
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
)

func testSite(view string) http.Handler {
	inside := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	s := &site{view: view, api: inside, native: inside, page: fstest.MapFS{
		"index.html":    {Data: []byte("<!doctype html>\n<html lang=\"en\"><p>the page</p></html>")},
		"assets/app.js": {Data: []byte("1")},
	}}
	return s.handler()
}

func TestPageBeginsWithTheView(t *testing.T) {
	for view, want := range map[string]string{
		"":                                    `<html lang="en">`,
		"restore?at=2026-03-01T10:00:00Z":     `<html data-view="restore?at=2026-03-01T10:00:00Z" lang="en">`,
		`"><script src="/assets/x"></script>`: `<html data-view="&#34;&gt;&lt;script src=&#34;/assets/x&#34;&gt;&lt;/script&gt;" lang="en">`,
	} {
		status, header, text := ask(testSite(view), request(t, "GET", "/", ""))
		if status != 200 || !strings.Contains(text, want) || !strings.Contains(text, "the page") {
			t.Errorf("%s: %d %s", view, status, text)
		}
		if !strings.HasPrefix(header.Get("Content-Type"), "text/html") {
			t.Errorf("%s: %v", view, header)
		}
	}
}

func TestEveryReplyHasThePolicy(t *testing.T) {
	for _, path := range []string{"/", "/assets/app.js", "/api/v1/status", "/native"} {
		_, header, _ := ask(testSite(""), request(t, "GET", path, ""))
		if p := header.Get("Content-Security-Policy"); !strings.Contains(p, "script-src wails://wails/assets/ http://wails.localhost/assets/;") {
			t.Errorf("%s: %q", path, p)
		}
		if header.Get("Cache-Control") != "no-store" || header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, header)
		}
	}
}

func TestOnlyThePageIsAnswered(t *testing.T) {
	for _, c := range []struct {
		name, header, value, host string
		want                      int
	}{
		{"the page", "", "", "wails", http.StatusTeapot},
		{"the page on Windows", "Origin", "http://wails.localhost", "wails.localhost", http.StatusTeapot},
		{"without an origin, as for GET", "Origin", "", "wails", http.StatusTeapot},
		{"another page", "Origin", "https://example.com", "wails", 403},
		{"a page of nothing", "Origin", "null", "wails", 403},
		{"a page that begins like ours", "Origin", "wails://wails.example.com", "wails", 403},
		{"another host", "", "", "example.com", 403},
		{"no host", "", "", "", 403},
		{"another site", "Sec-Fetch-Site", "cross-site", "wails", 403},
	} {
		for _, path := range []string{"/api/v1/status", "/native", "/native/save-text"} {
			r := request(t, "POST", path, "{}")
			r.Host = c.host
			if c.value != "" {
				r.Header.Set(c.header, c.value)
			} else if c.header != "" {
				r.Header.Del(c.header)
			}
			if status, _, text := ask(testSite(""), r); status != c.want {
				t.Errorf("%s, %s: %d %s", c.name, path, status, text)
			}
		}
	}
}

func TestViews(t *testing.T) {
	for _, view := range []string{"", "home", "first-run", "sign-in", "settings/diagnostics", "restore?at=2026-03-01T10:00:00%2B01:00"} {
		if err := checkView(view); err != nil {
			t.Errorf("%q: %v", view, err)
		}
	}
	for _, view := range []string{"Home", "a b", "restore?at=';alert(1)", "-x", "//x", "home\n", "?view=home", strings.Repeat("a", 300)} {
		if checkView(view) == nil {
			t.Errorf("%q is taken for a view", view)
		}
	}
	if got, want := goScript("restore?at=1"), `location.hash = "#/restore?at=1"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
