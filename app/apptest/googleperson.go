package apptest

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"time"
)

// GooglePerson is somebody before Google's page.
type GooglePerson struct {
	Account string
	// Declines presses “Cancel”; Unticked leaves the right to Cloud Storage out.
	Declines, Unticked bool
}

// SignIn opens an address that leads to Google's page, answers it, and returns the text of the last page.
func (p GooglePerson) SignIn(open string) (page string, err error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return "", err
	}
	browser := &http.Client{Jar: jar, Timeout: time.Minute}
	first, err := browser.Get(open)
	if err != nil {
		return "", err
	}
	defer func() { _ = first.Body.Close() }()
	text, err := io.ReadAll(first.Body)
	if err != nil || first.StatusCode != http.StatusOK {
		return string(text), err
	}
	form := url.Values{"account": {p.Account}}
	if !p.Unticked {
		form.Set("storage", "yes")
	}
	if p.Declines {
		form.Set("do", "deny")
	}
	last, err := browser.PostForm(first.Request.URL.String(), form)
	if err != nil {
		return "", err
	}
	defer func() { _ = last.Body.Close() }()
	text, err = io.ReadAll(last.Body)
	return string(text), err
}
