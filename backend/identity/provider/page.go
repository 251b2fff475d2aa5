package provider

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
)

//go:embed page.html
var pageText string

//go:embed style.css
var style []byte

var page = template.Must(template.New("page").Parse(pageText))

// form is what the form shows again.
type form struct{ Email, Code, Problem string }

// view is what the page shows: a form, or a problem.
type view struct {
	Title, Host, Base string
	Request           string // of the form
	Device            bool   // the form is for a machine elsewhere
	Letter            bool   // the form chooses a password
	Forgot            bool   // the form asks for a letter
	Mailed            bool   // letters can be asked for
	Form              form
	Problem           *problem
}

// problem is an end without a sign-in: what is, and what to do.
type problem struct{ What, Do string }

var (
	unknownProgram = problem{"Another program asks", "This server signs in CODITECT Sync only. Nothing has changed; you can close this tab."}
	wrongReturn    = problem{"This link leads elsewhere", "It would send the sign-in to an address that is not CODITECT Sync on this machine. Nothing was sent; you can close this tab."}
	noLongerOpen   = problem{"This page is no longer open", "It stays valid for 10 minutes, for one sign-in, in the browser that opened it. Press “Sign in” in CODITECT Sync to open a new one."}
	signedIn       = problem{"Done", "You can close this tab. CODITECT Sync on the other machine goes on by itself."}
	usedLetter     = problem{"This link is no longer good", "Each link works once, an invitation for 7 days, another password for an hour. Ask for a new one."}
	takenAddress   = problem{"This address has an account already", "It belongs to another group of people on this server. Ask whoever runs the server."}
	chosenPassword = problem{"Your password is chosen", "Press “Sign in” in CODITECT Sync. You can close this tab."}
	askOperator    = problem{"Ask whoever runs this server", "It sends no letters. Whoever runs it can give you a link for another password."}
	underWay       = problem{"Look into your mail", "If there is an account of this address, a letter is under way. Its link is good for an hour."}
	tooLong        = problem{"That was too long", "Go back and check what you typed."}
	notNow         = problem{"The server cannot sign you in now", "Nothing has changed. Press “Sign in” in CODITECT Sync in a minute."}
)

func (p *Provider) showForm(w http.ResponseWriter, status int, r *request, f form) {
	title := "Sign in"
	if f.Problem != "" {
		title = "Not signed in yet"
	}
	back, err := url.Parse(r.redirect)
	if err != nil {
		p.fail(w, "a redirect address cannot be read", err)
		return
	}
	// Browsers apply form-action to where the answer redirects, too.
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self' "+
		back.Scheme+"://"+back.Host)
	p.show(w, status, view{Title: title, Request: r.id, Form: f})
}

func (p *Provider) showProblem(w http.ResponseWriter, status int, what problem) {
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	p.show(w, status, view{Title: what.What, Problem: &what})
}

func (p *Provider) show(w http.ResponseWriter, status int, v view) {
	v.Host, v.Base, v.Mailed = p.issuer.Host, p.issuer.Path, p.c.Post != nil
	var text bytes.Buffer
	if err := page.Execute(&text, v); err != nil {
		p.c.Log.Error("a page cannot be made", "error", err)
		http.Error(w, "The page cannot be shown.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes()) // the browser is gone, or has it
}

func serveStyle(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	_, _ = w.Write(style) // the browser is gone, or has it
}
