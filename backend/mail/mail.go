package mail

import (
	"context"
	"net"
	"net/url"
	"strconv"
	"time"

	mailer "github.com/wneessen/go-mail"

	"github.com/coditect-ai/coditect-sync/backend"
)

// patience is how long a server may take for a letter.
const patience = 30 * time.Second

// Config is where letters go.
type Config struct {
	URL  string // see the package
	From string // sender, an address
}

// Sender is a backend.Post. It connects for each letter.
type Sender struct {
	host, from string
	options    []mailer.Option
}

// New returns a Sender, or what is wrong with its configuration. Nothing is sent yet.
func New(c Config) (*Sender, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Hostname() == "" || u.Path != "" || u.RawQuery != "" || u.Scheme != "smtp" && u.Scheme != "smtps" {
		return nil, backend.Errorf(backend.Invalid, "The mailer's address is smtp://USER:PASSWORD@HOST:PORT or smtps://….")
	}
	s := &Sender{host: u.Hostname(), from: c.From, options: []mailer.Option{mailer.WithTimeout(patience)}}
	port := map[string]int{"smtp": 587, "smtps": 465}[u.Scheme]
	if u.Port() != "" {
		if port, err = strconv.Atoi(u.Port()); err != nil {
			return nil, backend.Errorf(backend.Invalid, "The mailer's port is no number.")
		}
	}
	s.options = append(s.options, mailer.WithPort(port))
	auth := mailer.SMTPAuthAutoDiscover
	switch {
	case u.Scheme == "smtps":
		s.options = append(s.options, mailer.WithSSL())
	case net.ParseIP(u.Hostname()).IsLoopback():
		s.options = append(s.options, mailer.WithTLSPolicy(mailer.TLSOpportunistic))
		auth = mailer.SMTPAuthPlainNoEnc // the password stays on this machine
	default:
		s.options = append(s.options, mailer.WithTLSPolicy(mailer.TLSMandatory))
	}
	if u.User != nil {
		password, _ := u.User.Password()
		s.options = append(s.options, mailer.WithSMTPAuth(auth), mailer.WithUsername(u.User.Username()), mailer.WithPassword(password))
	}
	if err := mailer.NewMsg().From(c.From); err != nil {
		return nil, backend.Errorf(backend.Invalid, "The sender of letters is no address.")
	}
	return s, nil
}

// Send gives a letter to the server.
func (s *Sender) Send(ctx context.Context, l backend.Letter) error {
	m := mailer.NewMsg()
	if err := m.From(s.from); err != nil {
		return backend.Errorf(backend.Invalid, "The sender of letters is no address.").Wrap(err)
	}
	if err := m.To(l.To); err != nil {
		return backend.Errorf(backend.Invalid, "That is no email address.").Wrap(err)
	}
	m.Subject(l.Subject)
	m.SetDate()
	m.SetMessageID()
	m.SetBodyString(mailer.TypeTextPlain, l.Text)
	client, err := mailer.NewClient(s.host, s.options...)
	if err == nil {
		err = client.DialAndSendWithContext(ctx, m)
	}
	if err != nil {
		return backend.Errorf(backend.Unavailable, "The mailer did not take a letter.").Wrap(err)
	}
	return nil
}
