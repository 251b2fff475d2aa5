package login

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page
	"encoding/base64"
	"html/template"
	"net/http"
)

//go:embed page.html
var pageText string

//go:embed style.css
var style string

// page is complete in itself: no script, nothing from elsewhere.
var page = template.Must(template.New("page").Parse(pageText))

// policy lets a browser take the style and nothing else.
var policy = "default-src 'none'; style-src '" + hashOf(style) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// endPage is what a page says. Machine is set in bold behind the text, with a full stop.
type endPage struct{ Title, Text, Machine, Small string }

// secure sets the headers of every answer of the listener.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Connection", "close") // the listener is there for a few requests
}

func (b *browser) show(w http.ResponseWriter, status int, p endPage) {
	var text bytes.Buffer
	err := page.Execute(&text, struct {
		endPage
		Style template.CSS
	}{p, template.CSS(style)})
	if err != nil {
		b.c.Logger.Error("page cannot be made", "error", err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes()) // the browser is gone, or has it
}
