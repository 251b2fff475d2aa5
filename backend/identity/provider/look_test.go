package provider

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The page has tokens of the product's style sheet, with their values, in both colour schemes.
func TestThePageLooksLikeTheProduct(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "frontend", "src", "style", "tokens.css"))
	if err != nil {
		t.Fatal(err)
	}
	property := regexp.MustCompile(`--[a-z0-9-]+:\s*[^;]+;`)
	spaces := regexp.MustCompile(`\s+`)
	known := map[string]bool{}
	for _, one := range property.FindAllString(string(text), -1) {
		known[spaces.ReplaceAllString(one, " ")] = true
	}
	found := property.FindAllString(string(style), -1)
	if len(found) < 30 {
		t.Fatalf("only %d properties", len(found))
	}
	for _, one := range found {
		if one = spaces.ReplaceAllString(one, " "); !known[one] && !strings.Contains(one, "var(") {
			t.Errorf("the product's style sheet has no %s", one)
		}
	}
}

func TestWhereARequestComesFrom(t *testing.T) {
	for _, test := range []struct {
		remote, header string
		forwarded      bool
		want           string
	}{
		{"192.0.2.1:4321", "", false, "192.0.2.1"},
		{"192.0.2.1:4321", "198.51.100.7", false, "192.0.2.1"}, // anybody can say so
		{"192.0.2.1:4321", "203.0.113.5, 198.51.100.7", true, "198.51.100.7"},
		{"192.0.2.1:4321", "", true, "192.0.2.1"},
		{"[2001:db8:1:2:3:4:5:6]:4321", "", false, "2001:db8:1:2::"},
		{"[2001:db8:1:2:ffff::9]:1", "", false, "2001:db8:1:2::"},
	} {
		r := httptest.NewRequest("POST", "/", nil)
		r.RemoteAddr = test.remote
		r.Header.Set("X-Forwarded-For", test.header)
		if got := (&Config{Forwarded: test.forwarded}).place(r); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}

func TestWaitsInWords(t *testing.T) {
	for d, want := range map[time.Duration]string{time.Millisecond: "1 s", 59 * time.Second: "59 s", time.Minute: "1 min", 61 * time.Second: "2 min"} {
		if got := inWords(d); got != want {
			t.Errorf("%s: %s", d, got)
		}
	}
}

func TestIssuersThatAreRefused(t *testing.T) {
	for address, fine := range map[string]bool{"https://sync.lumen.works/id": true, "http://127.0.0.1:1/id": true, "http://[::1]:1": true,
		"http://sync.lumen.works/id": false, "http://localhost:1/id": false, "https://sync.lumen.works/id/": false, "https://u@x/id": false,
		"https://x/id?y": false, "https://x/id#y": false, "ftp://x": false, "": false} {
		if _, err := checkIssuer(address); (err == nil) != fine {
			t.Errorf("%q: %v", address, err)
		}
	}
}
