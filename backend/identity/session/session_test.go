package session_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"golang.org/x/oauth2"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/identity"
	"github.com/coditect-ai/coditect-sync/backend/identity/accounts"
	"github.com/coditect-ai/coditect-sync/backend/identity/session"
)

func TestSigningInAtTheEmbeddedProviderGivesASession(t *testing.T) {
	s := newSite(t)
	got := s.exchange(t, s.atTheProvider(t, mira, "verifier"), "verifier", "studio")
	if got.status != http.StatusOK || got.Life != 600 || got.Refresh == "" {
		t.Fatalf("%d %s", got.status, got.text)
	}
	p, err := s.verify(t, got.Access)
	if err != nil || p.Tenant != "lumen" || p.User != got.User || p.Machine != "studio" {
		t.Fatalf("%+v, %v", p, err)
	}
	if left := p.Expires.Sub(s.time()); left > 10*time.Minute || left < 9*time.Minute {
		t.Errorf("it lives for %s", left)
	}
	stream, err := s.sessions.Verifier(identity.AudienceStream)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := stream.Verify(t.Context(), got.Access); err != nil || again != p {
		t.Errorf("at the stream %+v, %v", again, err)
	}
	other, err := s.sessions.Verifier("another")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Verify(t.Context(), got.Access); backend.CodeOf(err) != backend.Unauthenticated {
		t.Errorf("elsewhere: %v", err)
	}
}

// A PowerSync Service, or anybody else, checks the token with what is published.
func TestAnybodyCanCheckAToken(t *testing.T) {
	s := newSite(t)
	access := s.session(t, mira, "studio").Access
	response, err := http.Get(s.url + "/.well-known/jwks.json")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(text, &set); err != nil || strings.Contains(string(text), `"d"`) {
		t.Fatal(string(text), err)
	}
	token, err := jwt.ParseSigned(access, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	h := token.Headers[0]
	if h.KeyID == "" || h.ExtraHeaders["typ"] != "at+jwt" {
		t.Errorf("%+v", h)
	}
	var claims struct {
		jwt.Claims
		Tenant  string `json:"tenant_id"`
		Machine string `json:"machine_id"`
	}
	if err := token.Claims(set.Key(h.KeyID)[0], &claims); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(claims.Audience, []string{"api", "powersync"}) || claims.Tenant != "lumen" || claims.Machine != "studio" || claims.Issuer != s.url ||
		claims.Expiry.Time().Sub(claims.IssuedAt.Time()) > identity.MaxLife {
		t.Errorf("%+v", claims)
	}
}

func TestARefreshGivesTheNextTokens(t *testing.T) {
	s := newSite(t)
	first := s.session(t, mira, "studio")
	// A client of OAuth's knows how to renew it.
	config := oauth2.Config{ClientID: clientID, Endpoint: oauth2.Endpoint{TokenURL: s.url + "/v1/token", AuthStyle: oauth2.AuthStyleInParams}}
	second, err := config.TokenSource(t.Context(), &oauth2.Token{RefreshToken: first.Refresh}).Token()
	if err != nil || second.RefreshToken == first.Refresh || second.TokenType != "Bearer" {
		t.Fatal(second, err)
	}
	if p, err := s.verify(t, second.AccessToken); err != nil || p.Machine != "studio" {
		t.Errorf("%+v, %v", p, err)
	}
	if raced := s.renew(t, first.Refresh); raced.status != http.StatusOK {
		t.Errorf("a race: %s", raced.text)
	}
	s.later(21 * time.Second)
	if reused := s.renew(t, first.Refresh); reused.status != http.StatusBadRequest || reused.Error != "invalid_grant" {
		t.Errorf("a reuse: %d %s", reused.status, reused.text)
	}
	if got := s.renew(t, second.RefreshToken); got.Error != "invalid_grant" {
		t.Errorf("the family goes on: %s", got.text)
	}
	if _, err := s.verify(t, second.AccessToken); backend.CodeOf(err) != backend.Unauthenticated {
		t.Errorf("its access token goes on: %v", err)
	}
}

func TestManyRefreshesAtOnce(t *testing.T) {
	s := newSite(t)
	token := s.session(t, mira, "studio").Refresh
	var all sync.WaitGroup
	got := make([]reply, 5)
	for i := range got {
		all.Go(func() { got[i] = s.renew(t, token) })
	}
	all.Wait()
	for _, r := range got {
		if r.status != http.StatusOK {
			t.Fatalf("%d %s", r.status, r.text)
		}
		if next := s.renew(t, r.Refresh); next.status != http.StatusOK {
			t.Errorf("%d %s", next.status, next.text)
		}
	}
}

func TestMachinesDoNotDisturbEachOther(t *testing.T) {
	s := newSite(t)
	first := s.session(t, mira, "studio")
	second := s.session(t, mira, "laptop")
	again := s.session(t, mira, "laptop") // signs in anew
	if _, err := s.verify(t, first.Access); err != nil {
		t.Errorf("the first machine: %v", err)
	}
	if got := s.renew(t, first.Refresh); got.status != http.StatusOK {
		t.Errorf("the first machine: %s", got.text)
	}
	if _, err := s.verify(t, second.Access); err == nil {
		t.Error("the session before goes on")
	}
	if got := s.renew(t, again.Refresh); got.status != http.StatusOK {
		t.Errorf("the new session: %s", got.text)
	}
}

func TestARevokedMachinesTokensEnd(t *testing.T) {
	s := newSite(t)
	lost, other := s.session(t, mira, "lost"), s.session(t, mira, "studio")
	p, err := s.verify(t, other.Access)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.sessions.RevokeMachine(t.Context(), p, "lost"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.verify(t, lost.Access); backend.CodeOf(err) != backend.Unauthenticated {
		t.Errorf("access: %v", err)
	}
	if got := s.renew(t, lost.Refresh); got.Error != "invalid_grant" {
		t.Errorf("refresh: %s", got.text)
	}
	if _, err := s.verify(t, other.Access); err != nil {
		t.Errorf("the other machine: %v", err)
	}
	found := s.session(t, mira, "lost") // it turned up, and its owner signs in on it
	if _, err := s.verify(t, found.Access); err != nil {
		t.Errorf("found again: %v", err)
	}
	if _, err := s.verify(t, lost.Access); err == nil {
		t.Error("the old token is back")
	}
}

func TestMachinesAreOnesOwn(t *testing.T) {
	s := newSite(t)
	mine, err := s.verify(t, s.session(t, mira, "studio").Access)
	if err != nil {
		t.Fatal(err)
	}
	his, err := s.verify(t, s.session(t, jo, "jos").Access)
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"rename": s.sessions.RenameMachine(t.Context(), mine, "jos", "mine now"),
		"revoke": s.sessions.RevokeMachine(t.Context(), mine, "jos"),
		"a NUL":  s.sessions.RevokeMachine(t.Context(), mine, "a\x00b"),
		"none":   s.sessions.RevokeMachine(t.Context(), mine, "' OR true --"),
		"tenant": s.sessions.RevokeMachine(t.Context(), backend.Principal{Tenant: "other", User: his.User}, "jos"),
	} {
		if backend.CodeOf(err) != backend.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.sessions.RenameMachine(t.Context(), mine, "studio", " The\x1b[31m \u202estudio\n"); err != nil {
		t.Fatal(err)
	}
	all, err := s.sessions.Machines(t.Context(), mine)
	if err != nil || len(all) != 1 || all[0].ID != "studio" || all[0].Name != "The[31m studio" || all[0].Revoked || all[0].Seen.IsZero() {
		t.Errorf("%+v, %v", all, err)
	}
	if err := s.sessions.RenameMachine(t.Context(), mine, "studio", " \n "); backend.CodeOf(err) != backend.Invalid {
		t.Errorf("an empty name: %v", err)
	}
	taken := s.exchange(t, s.foreign.sign(t, s.foreign.claims("sub of "+mira, mira)), "v", "jos")
	if taken.status != http.StatusForbidden || taken.Error != "machine_taken" {
		t.Errorf("jo's machine: %d %s", taken.status, taken.text)
	}
	if _, err := s.verify(t, s.session(t, jo, "jos").Access); err != nil {
		t.Errorf("jo is out: %v", err)
	}
}

func TestSigningOut(t *testing.T) {
	s := newSite(t)
	got := s.session(t, mira, "studio")
	for _, token := range []string{got.Access, "", "csr_nothing"} {
		if out := s.post(t, "/v1/revoke", url.Values{"token": {token}}); out.status != http.StatusOK {
			t.Errorf("%d %s", out.status, out.text)
		}
	}
	if _, err := s.verify(t, got.Access); err != nil {
		t.Fatal(err)
	}
	if out := s.post(t, "/v1/revoke", url.Values{"token": {got.Refresh}, "token_type_hint": {"refresh_token"}}); out.status != http.StatusOK {
		t.Errorf("%d %s", out.status, out.text)
	}
	if _, err := s.verify(t, got.Access); err == nil {
		t.Error("the access token goes on")
	}
	if again := s.renew(t, got.Refresh); again.Error != "invalid_grant" {
		t.Error(again.text)
	}
}

func TestADisabledUserIsOut(t *testing.T) {
	s := newSite(t)
	got := s.session(t, mira, "studio")
	if err := s.accounts.SetDisabled(t.Context(), "", mira, true); err != nil {
		t.Fatal(err)
	}
	if _, err := s.verify(t, got.Access); backend.CodeOf(err) != backend.Unauthenticated {
		t.Errorf("access: %v", err)
	}
	if again := s.renew(t, got.Refresh); again.Error != "invalid_grant" {
		t.Error(again.text)
	}
	if in := s.exchange(t, s.foreign.sign(t, s.foreign.claims("sub of "+mira, mira)), "v", "studio"); in.Error != "access_denied" {
		t.Errorf("signs in: %d %s", in.status, in.text)
	}
	if err := s.accounts.SetDisabled(t.Context(), "", mira, false); err != nil {
		t.Fatal(err)
	}
	s.session(t, mira, "studio")
}

func TestTokensOfAnOldKeyAreGoodUntilTheyEnd(t *testing.T) {
	s := newSite(t)
	rotate := func() {
		if err := s.keys.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	old := s.session(t, mira, "studio")
	if err := s.pool.QueryRow(t.Context(), `UPDATE identity.keys SET signs_from = signs_from - interval '31 days' WHERE purpose = 'access' RETURNING 1`).Scan(new(int)); err != nil {
		t.Fatal(err)
	}
	rotate() // announces the next one, a day ahead
	s.later(24*time.Hour + time.Minute)
	young := s.renew(t, old.Refresh)
	if young.status != http.StatusOK {
		t.Fatal(young.text)
	}
	s.later(-24 * time.Hour) // back to where the old token has not expired
	if _, err := s.verify(t, old.Access); err != nil {
		t.Errorf("the old token: %v", err)
	}
	if strings.Split(old.Access, ".")[0] == strings.Split(young.Access, ".")[0] {
		t.Error("both name the same key")
	}
	if err := s.keys.Replace(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.verify(t, old.Access); err == nil {
		t.Error("the token of a leaked key is good")
	}
}

func TestWhoIsLinked(t *testing.T) {
	s := newSite(t)
	first := s.session(t, mira, "studio")
	// The issuer's subject counts from now on, whatever address it says.
	moved := s.exchange(t, s.foreign.sign(t, s.foreign.claims("sub of "+mira, jo)), "v", "laptop")
	if moved.User != first.User {
		t.Errorf("%d %s", moved.status, moved.text)
	}
	for name, claims := range map[string]map[string]any{
		"another subject with her address": s.foreign.claims("somebody else", mira),
		"an unverified address":            with(s.foreign.claims("new", jo), "email_verified", false),
		"an address that is not said":      with(s.foreign.claims("new", jo), "email", nil),
		"an unverified one, as a string":   with(s.foreign.claims("new", jo), "email_verified", "false"),
		"nobody's address":                 s.foreign.claims("new", "nobody@lumen.works"),
	} {
		if got := s.exchange(t, s.foreign.sign(t, claims), "v", "m"); got.status != http.StatusForbidden || got.Error != "access_denied" {
			t.Errorf("%s: %d %s", name, got.status, got.text)
		}
	}
	if got := s.exchange(t, s.foreign.sign(t, with(s.foreign.claims("jo", jo), "email_verified", "true")), "v", "jos"); got.status != http.StatusOK {
		t.Errorf("verified, as a string: %s", got.text)
	}
}

func TestAnIssuerThatIsNotTrustedWithAddresses(t *testing.T) {
	s := newSite(t, func(_ *site, c *session.Config) { c.Issuers[1].TrustEmail = false })
	if got := s.exchange(t, s.foreign.sign(t, s.foreign.claims("x", mira)), "v", "m"); got.Error != "access_denied" {
		t.Errorf("%d %s", got.status, got.text)
	}
	_, err := s.accounts.AddUser(t.Context(), accounts.NewUser{Tenant: "lumen", Email: "kim@lumen.works", Issuer: s.foreign.url, Subject: "kim"})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.exchange(t, s.foreign.sign(t, s.foreign.claims("kim", "")), "v", "m"); got.status != http.StatusOK {
		t.Errorf("whom the command line linked: %s", got.text)
	}
}

func TestTwoTenantsWithOneAddress(t *testing.T) {
	s := newSite(t)
	err := s.accounts.AddTenant(t.Context(), backend.Tenant{ID: "other", Name: "Other"})
	if err == nil {
		_, err = s.accounts.AddUser(t.Context(), accounts.NewUser{Tenant: "other", Email: strings.ToUpper(mira)})
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := s.exchange(t, s.foreign.sign(t, s.foreign.claims("x", mira)), "v", "m"); got.Error != "access_denied" {
		t.Errorf("%d %s", got.status, got.text)
	}
}

func TestWithoutADatabaseNobodyIsSignedOut(t *testing.T) {
	s := newSite(t, ownKeys)
	got := s.session(t, mira, "studio")
	fresh, own := s.foreign.sign(t, s.foreign.claims("sub of "+mira, mira)), s.atTheProvider(t, mira, "v")
	s.pool.Close()
	s.later(2 * time.Minute) // nothing read before is used
	if _, err := s.verify(t, got.Access); backend.CodeOf(err) != backend.Unavailable {
		t.Errorf("verify: %v", err)
	}
	for name, r := range map[string]reply{"refresh": s.renew(t, got.Refresh), "exchange": s.exchange(t, fresh, "v", "studio"),
		"exchange of our own": s.exchange(t, own, "v", "studio"),
		"revoke":              s.post(t, "/v1/revoke", url.Values{"token": {got.Refresh}})} {
		if r.status != http.StatusServiceUnavailable || r.Error != "temporarily_unavailable" || strings.Contains(r.text, "pool") {
			t.Errorf("%s: %d %s", name, r.status, r.text)
		}
	}
	if _, err := s.sessions.Machines(t.Context(), backend.Principal{Tenant: "lumen", User: "x"}); backend.CodeOf(err) != backend.Unavailable {
		t.Error(err)
	}
}

// A server takes the keys of its own provider from the database, not over the network.
func TestTheProvidersKeysMayBeAtHand(t *testing.T) {
	s := newSite(t, ownKeys)
	got := s.exchange(t, s.atTheProvider(t, mira, "verifier"), "verifier", "studio")
	if got.status != http.StatusOK {
		t.Fatal(got.text)
	}
	forged := s.foreign.claims("x", mira)
	forged = with(with(forged, "iss", s.url+"/id"), "aud", clientID)
	if got := s.exchange(t, s.foreign.sign(t, forged), "v", "studio"); got.Error != "invalid_grant" {
		t.Errorf("%d %s", got.status, got.text)
	}
}

func ownKeys(s *site, c *session.Config) { c.Issuers[0].Keys = s.idKeys }

func TestConfigurationsThatAreRefused(t *testing.T) {
	s := newSite(t)
	good := session.Config{Pool: s.pool, Keys: s.keys, URL: s.url, Log: nil, Issuers: []session.Issuer{{URL: "https://a.test", ClientID: "c"}}}
	if _, err := session.New(good); err == nil {
		t.Error("without a log")
	}
	for name, change := range map[string]func(*session.Config){
		"no issuers":      func(c *session.Config) { c.Issuers = nil },
		"no client":       func(c *session.Config) { c.Issuers[0].ClientID = "" },
		"twice":           func(c *session.Config) { c.Issuers = append(c.Issuers, c.Issuers[0]) },
		"HS256":           func(c *session.Config) { c.Issuers[0].Algorithms = []string{"RS256", "HS256"} },
		"none":            func(c *session.Config) { c.Issuers[0].Algorithms = []string{"none"} },
		"an hour of life": func(c *session.Config) { c.Life = time.Hour },
		"a minute":        func(c *session.Config) { c.Life = time.Minute },
	} {
		if err := tryConfig(s, change); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if err := tryConfig(s, func(*session.Config) {}); err != nil {
		t.Error(err)
	}
}

func tryConfig(s *site, change func(*session.Config)) error {
	c := session.Config{Pool: s.pool, Keys: s.keys, URL: s.url, Log: discard(), Issuers: []session.Issuer{{URL: "https://a.test", ClientID: "c"}}}
	change(&c)
	_, err := session.New(c)
	return err
}

func TestWhereToSignInIsSaid(t *testing.T) {
	s := newSite(t)
	response, err := http.Get(s.url + "/.well-known/oauth-authorization-server")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var said struct {
		Issuer string `json:"issuer"`
		Token  string `json:"token_endpoint"`
		SignIn []struct {
			Issuer   string `json:"issuer"`
			ClientID string `json:"client_id"`
		} `json:"sign_in"`
	}
	if err := json.NewDecoder(response.Body).Decode(&said); err != nil {
		t.Fatal(err)
	}
	if said.Issuer != s.url || said.Token != s.url+"/v1/token" || len(said.SignIn) != 2 || said.SignIn[0].Issuer != s.url+"/id" || said.SignIn[0].ClientID != clientID {
		t.Errorf("%+v", said)
	}
}

// An issuer that is away for a moment is no reason to tell anybody that he is not who he is.
func TestAnIssuerThatIsAway(t *testing.T) {
	s := newSite(t)
	fine := s.foreign.claims("sub of "+mira, mira)
	s.foreign.down.Store(true)
	if got := s.exchange(t, s.foreign.sign(t, fine), "v", "studio"); got.status != http.StatusServiceUnavailable || got.Error != "temporarily_unavailable" {
		t.Errorf("before it was ever asked: %d %s", got.status, got.text)
	}
	s.foreign.down.Store(false)
	s.session(t, mira, "studio")
	s.foreign.down.Store(true)
	s.session(t, mira, "studio") // its keys are known
	unknown := jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: newKey(t), KeyID: "new"}}
	if got := s.exchange(t, signed(t, unknown, "JWT", fine), "v", "studio"); got.status != http.StatusServiceUnavailable {
		t.Errorf("for a key that is not known: %d %s", got.status, got.text)
	}
	s.foreign.down.Store(false)
	if got := s.exchange(t, signed(t, unknown, "JWT", fine), "v", "studio"); got.Error != "invalid_grant" {
		t.Errorf("and there is none: %d %s", got.status, got.text)
	}
}

func TestSweepingForgetsExchangedTokens(t *testing.T) {
	s := newSite(t)
	s.session(t, mira, "studio")
	s.later(2 * time.Hour)
	if err := s.sessions.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	var left int
	err := s.pool.QueryRow(t.Context(), "SELECT count(*) FROM identity.exchanged").Scan(&left)
	if err != nil || left > 0 {
		t.Error(errors.Join(err, errors.New("some are left")))
	}
}
