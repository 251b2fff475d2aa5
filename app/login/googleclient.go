package login

import (
	"encoding/json"
	"io"
	"os"

	"github.com/coditect-ai/coditect-sync/app"
)

// The OAuth client of this build, at Google. A release sets them; without one a person names a client of their own. Google
// wants a secret of a desktop program's client, and does not take it for one: https://developers.google.com/identity/protocols/oauth2
var googleClientID, googleClientSecret string

// googleIssuer is Google as an OpenID provider.
const googleIssuer = "https://accounts.google.com"

// opClient is the Op of errors that say that an OAuth client has to be named.
const opClient = "google client"

// clientName is where the safe has the client of the last sign-in.
const clientName = "google-client"

// maxClient is more than the file of a client has, in bytes.
const maxClient = 64 << 10

// googleClient is a program as Google knows it.
type googleClient struct {
	Issuer string `json:"issuer"`
	ID     string `json:"client_id"`
	Secret string `json:"client_secret,omitempty"`
}

// client is the one of a file, else of the last sign-in, else of this build.
func (g *Google) client(path string) (googleClient, error) {
	if path != "" {
		return readClient(path)
	}
	var kept googleClient
	text, err := g.safe.Get(clientName)
	if err == nil && json.Unmarshal([]byte(text), &kept) == nil && kept.ID != "" {
		_, err := checkAddress(ofGoogle.name, kept.Issuer)
		return kept, err
	}
	if googleClientID != "" {
		return googleClient{googleIssuer, googleClientID, googleClientSecret}, nil
	}
	return kept, app.Errorf(app.CodeInvalid, opClient, "This build has no OAuth client to sign in to Google with.").
		WithHint("In the Google Cloud console, under APIs & Services, Credentials, make an OAuth client of the kind Desktop app, and download its file.").
		Typed("In the Google Cloud console, under APIs & Services, Credentials, make an OAuth client of the kind Desktop app, download its file, and name it with --google-client FILE.")
}

func (g *Google) keepClient(c googleClient) error {
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	_, err = g.safe.Keep(clientName, string(text))
	return err
}

// readClient reads the file that the Google Cloud console gives for a client.
func readClient(path string) (googleClient, error) {
	file, err := os.Open(path)
	if err != nil {
		return googleClient{}, noClient("The file %s cannot be read.", path).Wrap(err)
	}
	defer func() { _ = file.Close() }() // only read
	var in struct {
		Installed *struct {
			ID      string `json:"client_id"`
			Secret  string `json:"client_secret"`
			AuthURI string `json:"auth_uri"`
		} `json:"installed"`
	}
	if err := json.NewDecoder(io.LimitReader(file, maxClient)).Decode(&in); err != nil || in.Installed == nil || in.Installed.ID == "" {
		return googleClient{}, noClient("%s is not the file of an OAuth client of the kind Desktop app.", path)
	}
	c := googleClient{googleIssuer, in.Installed.ID, in.Installed.Secret}
	if in.Installed.AuthURI != "" {
		u, err := checkAddress(ofGoogle.name, in.Installed.AuthURI)
		if err != nil {
			return c, err
		}
		c.Issuer = u.Scheme + "://" + u.Host // Google's is the root of its address
	}
	return c, nil
}

func noClient(format, path string) *app.Error {
	return app.Errorf(app.CodeInvalid, opClient, format, path).
		WithHint("The Google Cloud console gives it under APIs & Services, Credentials, for a client of the kind Desktop app.")
}
