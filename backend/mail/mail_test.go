package mail_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/mail"
)

// office is an SMTP server that keeps what it is given.
type office struct {
	mu       sync.Mutex
	password string // empty: nobody signs in
	got      []string
	from, to []string
}

func (o *office) NewSession(*smtp.Conn) (smtp.Session, error) { return &visit{o: o}, nil }

type visit struct {
	o      *office
	signed bool
}

func (v *visit) AuthMechanisms() []string {
	if v.o.password == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (v *visit) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "sync" || password != v.o.password {
			return smtp.ErrAuthFailed
		}
		v.signed = true
		return nil
	}), nil
}

func (v *visit) Mail(from string, _ *smtp.MailOptions) error {
	if v.o.password != "" && !v.signed {
		return smtp.ErrAuthRequired
	}
	v.o.mu.Lock()
	defer v.o.mu.Unlock()
	v.o.from = append(v.o.from, from)
	return nil
}

func (v *visit) Rcpt(to string, _ *smtp.RcptOptions) error {
	v.o.mu.Lock()
	defer v.o.mu.Unlock()
	v.o.to = append(v.o.to, to)
	return nil
}

func (v *visit) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	v.o.mu.Lock()
	defer v.o.mu.Unlock()
	v.o.got = append(v.o.got, string(text))
	return err
}

func (*visit) Reset()        {}
func (*visit) Logout() error { return nil }

// opens serves the office on loopback, with TLS where it has a certificate.
func (o *office) opens(t *testing.T, certificate *tls.Config) string {
	t.Helper()
	server := smtp.NewServer(o)
	server.Domain, server.AllowInsecureAuth, server.TLSConfig = "localhost", true, certificate
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(ln) }()
	t.Cleanup(func() { _ = server.Close() })
	return ln.Addr().String()
}

var letter = backend.Letter{To: "lin@example.com", Subject: "You are invited", Text: "Choose a password:\n\n    https://sync.example.com/id/letter?code=abc\n"}

func TestALetterIsSent(t *testing.T) {
	o := &office{password: "post"}
	s, err := mail.New(mail.Config{URL: "smtp://sync:post@" + o.opens(t, nil), From: "CODITECT Sync <sync@example.com>"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), letter); err != nil {
		t.Fatal(err)
	}
	if len(o.got) != 1 || o.from[0] != "sync@example.com" || o.to[0] != "lin@example.com" || !strings.Contains(o.got[0], "Subject: You are invited") ||
		!strings.Contains(strings.ReplaceAll(o.got[0], "=3D", "="), "letter?code=abc") {
		t.Errorf("from %q to %q: %q", o.from, o.to, o.got)
	}
}

func TestLettersThatAreNotSent(t *testing.T) {
	o := &office{password: "post"}
	address := o.opens(t, nil)
	for what, c := range map[string]struct {
		url string
		l   backend.Letter
	}{
		"another password":      {"smtp://sync:wrong@" + address, letter},
		"nobody signs in":       {"smtp://" + address, letter},
		"another's header":      {"smtp://sync:post@" + address, backend.Letter{To: "lin@example.com\r\nBcc: all@example.com", Subject: "s", Text: "t"}},
		"a server without TLS":  {"smtps://sync:post@" + address, letter},
		"a server that is gone": {"smtp://sync:post@127.0.0.1:1", letter},
	} {
		s, err := mail.New(mail.Config{URL: c.url, From: "sync@example.com"})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Send(t.Context(), c.l); err == nil {
			t.Errorf("%s: it is sent", what)
		}
	}
	if len(o.got) != 0 {
		t.Errorf("%q", o.got)
	}
}

// TestAStrangersCertificateIsRefused: the password of the mailer goes to nobody whom no authority vouches for.
func TestAStrangersCertificateIsRefused(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	o := &office{}
	address := o.opens(t, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	s, err := mail.New(mail.Config{URL: "smtp://sync:post@" + address, From: "sync@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), letter); err == nil || len(o.got) > 0 {
		t.Errorf("%v, %q", err, o.got)
	}
}

func TestAddressesOfMailers(t *testing.T) {
	for _, url := range []string{"", "http://h", "smtp://", "smtp://h/path", "smtp://h?x", "smtp://h:port"} {
		if _, err := mail.New(mail.Config{URL: url, From: "a@b.c"}); err == nil {
			t.Errorf("%q is taken", url)
		}
	}
	if _, err := mail.New(mail.Config{URL: "smtp://h", From: "nobody"}); err == nil {
		t.Error("a sender without address is taken")
	}
}
