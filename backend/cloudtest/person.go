package cloudtest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"
)

var hidden = regexp.MustCompile(`name="request" value="([^"]+)"`)

// Browser is what a person has: it keeps cookies and follows redirects.
func Browser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // it does not fail
	}
	return &http.Client{Jar: jar, Timeout: time.Minute}
}

// SignIn opens an address that leads to the sign-in page, fills it in, and returns the text of the last page.
func (p Person) SignIn(open string) (page string, err error) {
	return p.answer(open, url.Values{"email": {p.Email}, "password": {p.Password}})
}

// Decline opens such an address and presses “Not now”.
func (p Person) Decline(open string) (page string, err error) {
	return p.answer(open, url.Values{"do": {"cancel"}})
}

func (p Person) answer(open string, form url.Values) (string, error) {
	browser := Browser()
	first, err := browser.Get(open)
	if err != nil {
		return "", err
	}
	text, err := read(first)
	if err != nil {
		return "", err
	}
	found := hidden.FindStringSubmatch(text)
	if found == nil {
		return "", fmt.Errorf("no form at %s: %s", first.Request.URL.Path, text)
	}
	form.Set("request", found[1])
	at := *first.Request.URL
	at.RawQuery = ""
	last, err := browser.PostForm(at.String(), form)
	if err != nil {
		return "", err
	}
	return read(last)
}

// TypeCode opens the page for codes and types the one that a machine shows; denied turns the machine away.
func (p Person) TypeCode(open, code string, denied bool) (page string, err error) {
	form := url.Values{"code": {code}, "email": {p.Email}, "password": {p.Password}}
	if denied {
		form.Set("do", "deny")
	}
	last, err := Browser().PostForm(open, form)
	if err != nil {
		return "", err
	}
	page, err = read(last)
	if err == nil && !strings.Contains(page, "You can close this tab") {
		err = fmt.Errorf("the code was not taken: %s", page)
	}
	return page, err
}

func read(r *http.Response) (string, error) {
	defer func() { _ = r.Body.Close() }()
	text, err := io.ReadAll(r.Body)
	return string(text), err
}
