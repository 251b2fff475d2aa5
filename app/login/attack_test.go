package login_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/login"
	"github.com/coditect-ai/coditect-sync/backend/cloudtest"
)

// evilDesk is a machine whose person signs in at an evil server.
func evilDesk(t *testing.T, e *evil) *desk {
	t.Helper()
	d := &desk{home: t.TempDir(), log: &lines{}, clock: &clock{}, net: &network{}}
	d.config = login.Config{Home: d.home, Machine: "studio", MachineName: "studio", NoKeychain: true, Logger: quietLog(d.log), Transport: d.net}
	d.again(t)
	return d
}

// tryEvil signs in and returns how that ended.
func tryEvil(t *testing.T, d *desk, e *evil) error {
	t.Helper()
	a, err := d.Begin(t.Context(), e.URL)
	if err != nil {
		return err
	}
	if page, err := cloudtest.Browser().Get(a.URL); err == nil {
		page.Body.Close()
	}
	return ended(t, a)
}

// TestEvilServers: what a server or provider may not do ends the sign-in, and nothing is kept.
func TestEvilServers(t *testing.T) {
	if e := newEvil(t); tryEvil(t, evilDesk(t, e), e) != nil {
		t.Fatal("one that behaves is refused")
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(e *evil){
		"the server says it is another":   func(e *evil) { e.metadata["issuer"] = "https://sync.evil.test" },
		"no provider":                     func(e *evil) { e.metadata["sign_in"] = []any{} },
		"a provider without TLS":          func(e *evil) { e.provider("http://id.evil.test") },
		"a provider with a password":      func(e *evil) { e.provider("https://a:b@id.evil.test") },
		"the provider says it is another": func(e *evil) { e.discovery["issuer"] = "https://accounts.test" },
		"a slash more":                    func(e *evil) { e.discovery["issuer"] = e.URL + "/id/" },
		"PKCE plain only":                 func(e *evil) { e.discovery["code_challenge_methods_supported"] = []string{"plain"} },
		"sign-in page without TLS":        func(e *evil) { e.discovery["authorization_endpoint"] = "http://id.evil.test/a" },
		"sign-in page is a script":        func(e *evil) { e.discovery["authorization_endpoint"] = "javascript:alert(1)" },
		"token endpoint without TLS":      func(e *evil) { e.discovery["token_endpoint"] = "http://id.evil.test/t" },
		"keys without TLS":                func(e *evil) { e.discovery["jwks_uri"] = "http://id.evil.test/k" },
		"no signature":                    func(e *evil) { e.sign = unsigned },
		"HS256 with the public key":       func(e *evil) { e.sign = e.hmac(t) },
		"another key":                     func(e *evil) { e.sign = func(c map[string]any) string { return signed(t, jose.ES256, other, "k1", c) } },
		"another key by its own name":     func(e *evil) { e.sign = func(c map[string]any) string { return signed(t, jose.ES256, other, "k2", c) } },
		"a key file by its path": func(e *evil) {
			e.sign = func(c map[string]any) string { return signed(t, jose.ES256, other, "../../dev/null", c) }
		},
		"a key inside the token":           func(e *evil) { e.sign = embedded(t, other) },
		"another issuer":                   func(e *evil) { e.claims["iss"] = "https://accounts.test" },
		"another audience":                 func(e *evil) { e.claims["aud"] = "someone-else" },
		"several audiences":                func(e *evil) { e.claims["aud"] = []string{"desk", "someone-else"} },
		"no audience":                      func(e *evil) { e.claims["aud"] = nil },
		"no nonce":                         func(e *evil) { e.claims["nonce"] = nil },
		"another nonce":                    func(e *evil) { e.claims["nonce"] = "replayed" },
		"an empty nonce":                   func(e *evil) { e.claims["nonce"] = "" },
		"no ID token":                      func(e *evil) { e.sign = func(map[string]any) string { return "" } },
		"no token at all":                  func(e *evil) { e.sign = func(map[string]any) string { return "..." } },
		"the code is sent elsewhere":       func(e *evil) { e.token = e.elsewhere },
		"the server takes another machine": func(e *evil) { e.grant["machine_id"] = "another" },
		"the server gives nothing":         func(e *evil) { e.grant = map[string]any{} },
	} {
		t.Run(name, func(t *testing.T) {
			e := newEvil(t)
			change(e)
			d := evilDesk(t, e)
			err := tryEvil(t, d, e)
			if code := app.CodeOf(err); err == nil || code == app.CodeSignedOut || app.AsError("", err).Hint == "" {
				t.Errorf("it ended with %v", err)
			}
			if info := d.Info(); info.SignedIn || info.User != "" || len(d.files(t)) > 1 {
				t.Errorf("something is kept: %+v %v", info, d.files(t))
			}
			if e.asked["/evil"] > 0 || !strings.HasPrefix(name, "the server ") && e.asked["/v1/token"] > 0 {
				t.Error("a code or token went out")
			}
			if strings.Contains(d.log.String(), "c0de") || strings.Contains(d.log.String(), "csr_evil") {
				t.Error("the log has a code or token")
			}
		})
	}
}

func (e *evil) provider(address string) {
	e.metadata["sign_in"] = []any{map[string]string{"issuer": address, "client_id": "desk"}}
}

// elsewhere sends the code on, method and body kept.
func (e *evil) elsewhere(w http.ResponseWriter, r *http.Request) bool {
	http.Redirect(w, r, e.URL+"/evil", http.StatusTemporaryRedirect)
	return true
}

func unsigned(claims map[string]any) string {
	text, _ := json.Marshal(claims)
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","kid":"k1"}`)) + "." + base64.RawURLEncoding.EncodeToString(text) + "."
}

func (e *evil) hmac(t *testing.T) func(map[string]any) string {
	public, err := x509.MarshalPKIXPublicKey(&e.key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return func(c map[string]any) string { return signed(t, jose.HS256, public, "k1", c) }
}

func embedded(t *testing.T, key *ecdsa.PrivateKey) func(map[string]any) string {
	return func(c map[string]any) string {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{EmbedJWK: true}).WithHeader("jku", "http://evil.test/k"))
		if err != nil {
			t.Fatal(err)
		}
		text, _ := json.Marshal(c)
		made, err := signer.Sign(text)
		if err != nil {
			t.Fatal(err)
		}
		compact, _ := made.CompactSerialize()
		return compact
	}
}

// TestKeysThatChange during a sign-in are fetched anew.
func TestKeysThatChange(t *testing.T) {
	e := newEvil(t)
	d := evilDesk(t, e)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	e.sign = func(c map[string]any) string {
		e.published = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "k2", Algorithm: "ES256", Use: "sig"}}}
		return signed(t, jose.ES256, key, "k2", c)
	}
	if err := tryEvil(t, d, e); err != nil {
		t.Fatal(err)
	}
}

// listener is a sign-in that waits, seen from the browser that was led to the provider.
type listener struct {
	*login.Attempt
	d      *desk
	base   string
	cookie *http.Cookie
	sent   url.Values // what the provider was asked
}

func newListener(t *testing.T, e *evil) *listener {
	t.Helper()
	l := &listener{d: evilDesk(t, e)}
	var err error
	if l.Attempt, err = l.d.Begin(t.Context(), e.URL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Cancel)
	u, err := url.Parse(l.URL)
	if err != nil {
		t.Fatal(err)
	}
	l.base = "http://" + u.Host
	led := l.get(t, l.URL, nil)
	to, err := led.Location()
	if err != nil || len(led.Cookies()) != 1 {
		t.Fatal(led, err)
	}
	l.cookie, l.sent = led.Cookies()[0], to.Query()
	return l
}

// get asks without following redirects; change may change the request.
func (l *listener) get(t *testing.T, address string, change func(*http.Request)) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if l.cookie != nil {
		r.AddCookie(l.cookie)
	}
	if change != nil {
		change(r)
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

func (l *listener) callback(e *evil, changes ...string) string {
	q := url.Values{"code": {"c0de"}, "state": l.sent["state"], "iss": {e.URL + "/id"}}
	for i := 0; i < len(changes); i += 2 {
		if q.Set(changes[i], changes[i+1]); changes[i+1] == "" {
			q.Del(changes[i])
		}
	}
	return l.base + "/callback?" + q.Encode()
}

// TestForgedAnswers: an answer that is not this browser's to this sign-in is refused, and the sign-in goes on.
func TestForgedAnswers(t *testing.T) {
	e := newEvil(t)
	l := newListener(t, e)
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	host := func(value string) func(*http.Request) { return func(r *http.Request) { r.Host = value } }
	port := strings.TrimPrefix(l.base, "http://127.0.0.1")
	good := l.callback(e)
	for name, forged := range map[string]struct {
		address string
		change  func(*http.Request)
	}{
		"no state":             {l.callback(e, "state", ""), nil},
		"another state":        {l.callback(e, "state", "x"), nil},
		"an error, no state":   {l.base + "/callback?error=access_denied", nil},
		"two states":           {good + "&state=x", nil},
		"two codes":            {good + "&code=x", nil},
		"two issuers":          {good + "&iss=x", nil},
		"a long query":         {good + "&x=" + strings.Repeat("x", 9000), nil},
		"a semicolon":          {good + ";x", nil},
		"no cookie":            {good, func(r *http.Request) { r.Header.Del("Cookie") }},
		"another cookie":       {good, header("Cookie", l.cookie.Name+"=x")},
		"POST":                 {good, func(r *http.Request) { r.Method = http.MethodPost }},
		"HEAD":                 {good, func(r *http.Request) { r.Method = http.MethodHead }},
		"localhost":            {good, host("localhost" + port)},
		"a rebound name":       {good, host("evil.test" + port)},
		"no port":              {good, host("127.0.0.1")},
		"an image":             {good, header("Sec-Fetch-Mode", "no-cors")},
		"a script":             {good, header("Sec-Fetch-Mode", "cors")},
		"another origin":       {good, header("Origin", "https://evil.test")},
		"a slash more":         {strings.Replace(good, "/callback", "/callback/", 1), nil},
		"another path":         {strings.Replace(good, "/callback", "/other", 1), nil},
		"capitals":             {strings.Replace(good, "/callback", "/Callback", 1), nil},
		"two slashes":          {strings.Replace(good, "/callback", "//callback", 1), nil},
		"up and down":          {strings.Replace(good, "/callback", "/x/../callback", 1), nil},
		"the end, too early":   {l.base + "/end", nil},
		"another ticket":       {l.base + "/sign-in/x", nil},
		"a ticket and a query": {l.URL + "?x", nil},
		"no ticket":            {l.base + "/sign-in/", nil},
		"the root":             {l.base + "/", nil},
	} {
		response := l.get(t, forged.address, forged.change)
		if response.StatusCode < 400 || response.Header.Get("Location") != "" || e.asked["/id/token"] > 0 {
			t.Errorf("%s: %s, sent to %q", name, response.Status, response.Header.Get("Location"))
		}
		select {
		case <-l.Done():
			t.Fatalf("%s ends the sign-in: %v", name, l.Err())
		default:
		}
	}
	e.nonce = l.sent.Get("nonce")
	if end := l.get(t, good, nil); end.Header.Get("Location") != "/end" || l.Err() != nil || e.forms["/id/token"].Get("code") != "c0de" {
		t.Fatalf("the true answer: %s, %v", end.Status, l.Err())
	}
	if second := l.get(t, good, nil); second.StatusCode != http.StatusBadRequest || e.asked["/id/token"] != 1 {
		t.Error("a second answer is taken")
	}
	page := l.get(t, l.base+"/end", nil)
	text, _ := bufio.NewReader(page.Body).ReadString(0)
	policy := page.Header.Get("Content-Security-Policy")
	if !strings.Contains(text, "You can close this tab") || strings.Contains(text, "c0de") || strings.Contains(text, "<script") ||
		!strings.Contains(policy, "default-src 'none'") || page.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s %s", policy, text)
	}
}

// TestMixUps: an answer in the right place that names another provider, or none where ours always does, ends the sign-in.
func TestMixUps(t *testing.T) {
	for _, iss := range []string{"", "https://accounts.test"} {
		e := newEvil(t)
		l := newListener(t, e)
		l.get(t, l.callback(e, "iss", iss), nil)
		if wantCode(t, ended(t, l.Attempt), app.CodeRefused); e.asked["/id/token"] > 0 {
			t.Error("the code was sent")
		}
	}
	e := newEvil(t)
	delete(e.discovery, "authorization_response_iss_parameter_supported")
	l := newListener(t, e)
	e.nonce = l.sent.Get("nonce")
	l.get(t, l.callback(e, "iss", ""), nil)
	if err := ended(t, l.Attempt); err != nil {
		t.Errorf("one that names nobody: %v", err)
	}
}

// TestATicketWorksOnce: who read the address off a command line ends the sign-in, and does not get into it.
func TestATicketWorksOnce(t *testing.T) {
	l := newListener(t, newEvil(t))
	if again := l.get(t, l.URL, nil); again.StatusCode != http.StatusSeeOther {
		t.Errorf("the same browser: %s", again.Status)
	}
	thief := l.get(t, l.URL, func(r *http.Request) { r.Header.Del("Cookie") })
	if thief.StatusCode != http.StatusBadRequest || thief.Header.Get("Location") != "" || len(thief.Cookies()) > 0 {
		t.Errorf("%s %q", thief.Status, thief.Header)
	}
	wantCode(t, ended(t, l.Attempt), app.CodeCanceled)
}

// TestWhatOthersCanRead: the address that the browser is started with says nothing, and the request to the provider is as it
// should be.
func TestWhatOthersCanRead(t *testing.T) {
	l := newListener(t, newEvil(t))
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if value := l.sent.Get(name); len(value) < 26 || strings.Contains(l.URL, value) {
			t.Errorf("%s is %q", name, value)
		}
	}
	if l.sent.Get("code_challenge_method") != "S256" || l.sent.Get("response_type") != "code" || l.sent.Get("redirect_uri") != l.base+"/callback" ||
		l.sent.Get("client_id") != "desk" || strings.Contains(l.sent.Get("scope"), "offline") {
		t.Errorf("%v", l.sent)
	}
	if c := l.cookie; !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || strings.Contains(l.URL, c.Value) || c.Value == l.sent.Get("state") {
		t.Errorf("%+v", c)
	}
	_, port, err := net.SplitHostPort(strings.TrimPrefix(l.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"[::1]:" + port, "127.0.0.2:" + port} {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			t.Errorf("it listens at %s", address)
		}
	}
}

// TestCodesOfOthers: a code that was used, and a code that somebody else got, sign nobody in.
func TestCodesOfOthers(t *testing.T) {
	c := cloudtest.New(t)
	victim, attacker := newDesk(t, c), deskOf(t, c, cloudtest.Person{Email: "evil@lumen.works", Password: c.Add(t, "lumen", "evil@lumen.works")}, "den")
	code := ""
	attacker.net.set(func(r *http.Request) (*http.Response, error) { // it keeps its code to itself
		if r.URL.Path == "/id/token" {
			_ = r.ParseForm()
			code = r.PostForm.Get("code")
			return nil, os.ErrClosed
		}
		return nil, nil
	})
	a, err := attacker.Begin(t.Context(), c.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := attacker.person.SignIn(a.URL); err != nil || ended(t, a) == nil || code == "" {
		t.Fatal(code, err, a.Err())
	}
	l := &listener{d: victim}
	if l.Attempt, err = victim.Begin(t.Context(), c.URL); err != nil {
		t.Fatal(err)
	}
	led := l.get(t, l.URL, nil)
	to, err := led.Location()
	if err != nil {
		t.Fatal(err)
	}
	base, _, _ := strings.Cut(l.URL, "/sign-in/")
	l.cookie, l.sent, l.base = led.Cookies()[0], to.Query(), base
	l.get(t, l.callback(&evil{Server: &httptest.Server{URL: c.URL}}, "code", code), nil)
	wantCode(t, ended(t, l.Attempt), app.CodeFailed)
	if victim.Info().SignedIn {
		t.Error("the victim is signed in with the attacker's code")
	}
}

// TestTokensAreNeverSentElsewhere: somebody who can change account.json does not get the refresh token.
func TestTokensAreNeverSentElsewhere(t *testing.T) {
	e := newEvil(t)
	d := evilDesk(t, e)
	if err := tryEvil(t, d, e); err != nil {
		t.Fatal(err)
	}
	thief := newEvil(t)
	name := filepath.Join(d.home, "account.json")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(strings.ReplaceAll(string(text), e.URL, thief.URL)), 0o600); err != nil {
		t.Fatal(err)
	}
	d.again(t)
	_, err = d.Token(t.Context())
	wantCode(t, err, app.CodeSignedOut)
	if len(thief.asked) > 0 {
		t.Errorf("the thief was asked: %v", thief.asked)
	}
}

// TestDamagedFiles: what cannot be read is no sign-in, and is kept aside where it may be somebody's.
func TestDamagedFiles(t *testing.T) {
	e := newEvil(t)
	d := evilDesk(t, e)
	if err := tryEvil(t, d, e); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"login/sealed", "login/key"} {
		name := filepath.Join(d.home, filepath.FromSlash(file))
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, wrong := range []string{"", "x", string(text[:len(text)-1]), string(text) + "x"} {
			if err := os.WriteFile(name, []byte(wrong), 0o600); err != nil {
				t.Fatal(err)
			}
			d.again(t)
			_, err = d.Token(t.Context())
			wantCode(t, err, app.CodeSignedOut)
		}
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d.again(t)
	if _, err := d.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.home, "account.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, damaged, err := login.New(d.config)
	if err != nil || damaged == nil || s.Info().SignedIn {
		t.Fatal(damaged, err)
	}
}
