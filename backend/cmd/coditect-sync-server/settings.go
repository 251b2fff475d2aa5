package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/identity"
	"github.com/coditect-ai/coditect-sync/backend/identity/session"
	"github.com/coditect-ai/coditect-sync/backend/mail"
)

// prefix begins the environment variables.
const prefix = "CODITECT_SERVER_"

// settings are the configuration, validated.
type settings struct {
	listen, metrics string
	url             string
	secret          identity.Secret
	databases       map[string]string // role → address
	provider        bool
	clientID        string
	callbacks       []string
	issuers         []session.Issuer
	mail            mail.Config
	invitations     bool
	stream          bool
	tokenLife       time.Duration
	daily           int64
	forwarded       bool
	settle, drain   time.Duration
	logLevel        slog.Level
	logJSON         bool
}

// embedded is the issuer of the embedded provider.
func (s *settings) embedded() string { return s.url + "/id" }

// setting is one of them: how it is called, what it is, and how a value is taken.
type setting struct {
	name, about, usual string
	take               func(s *settings, value string) error
}

// post is who sends letters, nil where nobody does.
func (s *settings) post() (backend.Post, error) {
	if s.mail.URL == "" {
		return nil, nil
	}
	return mail.New(s.mail)
}

// roles are who connects to the database: the API, sign-in, the stream, and the command line.
var roles = []string{"app_api", "app_identity", "powersync", "app_migrator"}

var table = []setting{
	{"LISTEN", "address to listen on", "127.0.0.1:8321", func(s *settings, v string) error { s.listen = v; return checkAddress(v) }},
	{"METRICS", "address for Prometheus, which must not be public; empty: none", "", func(s *settings, v string) error { s.metrics = v; return checkAddress(v) }},
	{"URL", "the server's own address, as its clients write it", "http://127.0.0.1:8321", takeURL},
	{"SECRET", "32 random bytes or more, base64; what is sealed with it is lost without it", "", takeSecret},
	{"DATABASE", "address of the database without a user: each part of the server adds its own", "", takeDatabase},
	{"DATABASE_API", "address for app_api, where it differs", "", takeRole("app_api")},
	{"DATABASE_IDENTITY", "address for app_identity, where it differs", "", takeRole("app_identity")},
	{"DATABASE_STREAM", "address for powersync, where it differs", "", takeRole("powersync")},
	{"DATABASE_ADMIN", "address for app_migrator, where it differs; not needed by serve", "", takeRole("app_migrator")},
	{"PROVIDER", "the embedded identity provider: on or off", "on", takeSwitch(func(s *settings) *bool { return &s.provider })},
	{"CLIENT_ID", "how the program on people's machines is called at the embedded provider", "coditect-sync", func(s *settings, v string) error { s.clientID = v; return nil }},
	{"CALLBACKS", "paths on loopback that the embedded provider calls back at, with commas", "/callback", takeCallbacks},
	{"ISSUERS", `other identity providers, JSON: [{"issuer":"https://…","client_id":"…","trust_email":true,"tenant":"…","algorithms":["RS256"]}]`, "[]", takeIssuers},
	{"MAIL", "mailer for invitations and other passwords, smtp://USER:PASSWORD@HOST:587 or smtps://…; without one, links are printed", "", func(s *settings, v string) error { s.mail.URL = v; return nil }},
	{"MAIL_FROM", "sender of letters", "", func(s *settings, v string) error { s.mail.From = v; return nil }},
	{"INVITATIONS", "admins of teams may invite new people into the tenant: on or off", "off", takeSwitch(func(s *settings) *bool { return &s.invitations })},
	{"STREAM", "the built-in stream: on or off", "on", takeSwitch(func(s *settings) *bool { return &s.stream })},
	{"TOKEN_LIFE", "how long an access token lives, 5m to 15m", "10m", takeDuration(func(s *settings) *time.Duration { return &s.tokenLife })},
	{"DAILY", "how much an account's people may push in a day, such as 500MB or 2TB; 0: no limit", "100GB", takeDaily},
	{"FORWARDED", "a proxy of yours is in front and sets X-Forwarded-For: on or off", "off", takeSwitch(func(s *settings) *bool { return &s.forwarded })},
	{"SETTLE", "how long to go on, not ready, before ending", "0s", takeDuration(func(s *settings) *time.Duration { return &s.settle })},
	{"DRAIN", "how long requests may take to finish then", "30s", takeDuration(func(s *settings) *time.Duration { return &s.drain })},
	{"LOG", "debug, info, warn or error", "info", func(s *settings, v string) error { return s.logLevel.UnmarshalText([]byte(v)) }},
	{"LOG_FORMAT", "text or json", "text", takeFormat},
}

// load reads the file, if there is one, and the environment (as os.Environ gives it), and checks that what serving needs is
// there. The error has a sentence per mistake.
func load(file string, environ []string, serving bool) (*settings, error) {
	values, err := readFile(file)
	if err != nil {
		return nil, err
	}
	for _, line := range environ {
		if name, value, _ := strings.Cut(line, "="); strings.HasPrefix(name, prefix) && name != prefix+"CONFIG" {
			values[strings.TrimPrefix(name, prefix)] = value
		}
	}
	all := inFiles(values)
	s, wrong := &settings{databases: map[string]string{}}, map[string]bool{}
	for _, one := range table {
		value, given := values[one.name]
		delete(values, one.name)
		if !given {
			value = one.usual
		}
		if value == "" {
			continue
		}
		if err := one.take(s, value); err != nil {
			all = append(all, fmt.Errorf("%s%s: %w", prefix, one.name, err))
			wrong[one.name] = true
		}
	}
	for name := range values {
		all = append(all, mistake("%s%s is no setting.", prefix, name))
	}
	if serving {
		all = append(all, s.check(wrong)...)
	}
	if s.mail.URL != "" {
		if _, err := mail.New(s.mail); err != nil {
			all = append(all, fmt.Errorf("%[1]sMAIL, %[1]sMAIL_FROM: %[2]w", prefix, err))
		}
	}
	slices.SortFunc(all, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return s, errors.Join(all...)
}

func readFile(name string) (map[string]string, error) {
	values := map[string]string{}
	if name == "" {
		return values, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, mistake("The settings cannot be read: %v.", err)
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, value, found := strings.Cut(line, "=")
		if !found {
			return nil, mistake("%s:%d is no NAME=VALUE.", name, number)
		}
		values[strings.TrimPrefix(strings.TrimSpace(key), prefix)] = strings.TrimSpace(value)
	}
	return values, lines.Err()
}

// inFiles replaces NAME_FILE by NAME with what is in the file.
func inFiles(values map[string]string) (all []error) {
	for name, file := range values {
		plain, found := strings.CutSuffix(name, "_FILE")
		if !found {
			continue
		}
		delete(values, name)
		text, err := os.ReadFile(file)
		if err != nil {
			all = append(all, mistake("%s%s: %v.", prefix, name, err))
			continue
		}
		values[plain] = strings.TrimSpace(string(text))
	}
	return all
}

// check is what is missing, and what concerns several settings. What is wrong in itself has been told.
func (s *settings) check(wrong map[string]bool) (all []error) {
	if s.secret == (identity.Secret{}) && !wrong["SECRET"] {
		all = append(all, mistake("%sSECRET is missing: make one with `openssl rand -base64 32` and keep it.", prefix))
	}
	for _, role := range roles[:3] {
		if s.databases[role] == "" && !wrong["DATABASE"] {
			all = append(all, mistake("%sDATABASE is missing: the address of the database.", prefix))
			break
		}
	}
	if !s.provider && len(s.issuers) == 0 && !wrong["PROVIDER"] && !wrong["ISSUERS"] {
		all = append(all, mistake("%[1]sISSUERS is empty and %[1]sPROVIDER is off: nobody could sign in.", prefix))
	}
	if (s.tokenLife < 5*time.Minute || s.tokenLife > identity.MaxLife) && !wrong["TOKEN_LIFE"] {
		all = append(all, mistake("%sTOKEN_LIFE must be 5m to 15m.", prefix))
	}
	return all
}

func checkAddress(v string) error {
	if _, _, err := net.SplitHostPort(v); err != nil {
		return mistake("%q is no HOST:PORT.", v)
	}
	return nil
}

func takeURL(s *settings, v string) error {
	u, err := url.Parse(v)
	local := err == nil && net.ParseIP(u.Hostname()).IsLoopback()
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "":
		return mistake("%q is no address without path.", v)
	case u.Scheme != "https" && (u.Scheme != "http" || !local):
		return mistake("%q must be https; http is for 127.0.0.1 and [::1] only.", v)
	}
	s.url = v
	return nil
}

func takeSecret(s *settings, v string) (err error) {
	random, err := base64.StdEncoding.DecodeString(v)
	if err != nil {
		return mistake("it is no base64.")
	}
	s.secret, err = identity.NewSecret(random)
	return err
}

// takeDatabase fills in the roles that have no address of their own.
func takeDatabase(s *settings, v string) error {
	for _, role := range roles {
		address, err := withUser(v, role)
		if err != nil {
			return err
		}
		s.databases[role] = address
	}
	return nil
}

// withUser is an address with a user. It must have none: what would be meant is unclear.
func withUser(address, user string) (string, error) {
	if strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://") {
		u, err := url.Parse(address)
		if err != nil || u.User != nil {
			return "", mistake("it must be an address without a user.")
		}
		u.User = url.User(user)
		return u.String(), checkDatabase(u.String())
	}
	if strings.Contains(address, "user=") {
		return "", mistake("it must be an address without a user.")
	}
	address += " user=" + user
	return address, checkDatabase(address)
}

// checkDatabase does not quote the address, which may have a password.
func checkDatabase(address string) error {
	if _, err := pgx.ParseConfig(address); err != nil {
		return mistake("it is no address of a PostgreSQL database.")
	}
	return nil
}

func takeRole(role string) func(*settings, string) error {
	return func(s *settings, v string) error { s.databases[role] = v; return checkDatabase(v) }
}

func takeSwitch(of func(*settings) *bool) func(*settings, string) error {
	return func(s *settings, v string) error {
		if v != "on" && v != "off" {
			return mistake("%q is neither on nor off.", v)
		}
		*of(s) = v == "on"
		return nil
	}
}

func takeDuration(of func(*settings) *time.Duration) func(*settings, string) error {
	return func(s *settings, v string) error {
		d, err := time.ParseDuration(v)
		if err != nil || d < 0 {
			return mistake("%q is no time like 30s or 10m.", v)
		}
		*of(s) = d
		return nil
	}
}

func takeCallbacks(s *settings, v string) error {
	for _, path := range strings.Split(v, ",") {
		path = strings.TrimSpace(path)
		if u, err := url.Parse(path); err != nil || !strings.HasPrefix(path, "/") || u.Path != path || strings.HasPrefix(path, "//") {
			return mistake("%q is no path.", path)
		}
		s.callbacks = append(s.callbacks, path)
	}
	return nil
}

func takeDaily(s *settings, v string) error {
	number, factor := v, int64(1)
	for unit, bytes := range map[string]int64{"MB": 1e6, "GB": 1e9, "TB": 1e12} {
		if n, found := strings.CutSuffix(v, unit); found {
			number, factor = n, bytes
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/factor {
		return mistake("%q is no number of MB, GB or TB.", v)
	}
	s.daily = n * factor
	return nil
}

func takeIssuers(s *settings, v string) error {
	var all []struct {
		Issuer     string   `json:"issuer"`
		ClientID   string   `json:"client_id"`
		TrustEmail bool     `json:"trust_email"`
		Tenant     string   `json:"tenant"`
		Algorithms []string `json:"algorithms"`
	}
	d := json.NewDecoder(strings.NewReader(v))
	d.DisallowUnknownFields()
	if err := d.Decode(&all); err != nil {
		return mistake("it cannot be read: %v.", err)
	}
	for _, one := range all {
		u, err := url.Parse(one.Issuer)
		if err != nil || u.Host == "" || one.ClientID == "" || u.Scheme != "https" && !net.ParseIP(u.Hostname()).IsLoopback() {
			return mistake("issuer %q needs an https address and a client_id.", one.Issuer)
		}
		s.issuers = append(s.issuers, session.Issuer{URL: one.Issuer, ClientID: one.ClientID, TrustEmail: one.TrustEmail, Tenant: one.Tenant, Algorithms: one.Algorithms})
	}
	return nil
}

func takeFormat(s *settings, v string) error {
	if v != "text" && v != "json" {
		return mistake("%q is neither text nor json.", v)
	}
	s.logJSON = v == "json"
	return nil
}
