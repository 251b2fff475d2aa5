package sftp

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"slices"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"
)

// proof is what both sides show each other at one login.
type proof struct {
	addr     string
	believes ssh.HostKeyCallback
	kinds    []string // of keys that the server is known by; nil for an unknown server
	keyFiles []string
	agent    net.Conn

	host    *Fault // why the server is not believed
	server  bool   // the server is the one that is known
	signers int    // how many keys were shown
	locked  string // a key file that needs a passphrase
	broken  error  // a key file that cannot be read
}

// newProof reads which servers are known.
func newProof(cfg Config, addr string) (*proof, error) {
	var files []string
	for _, name := range cfg.KnownHosts {
		if _, err := os.Stat(name); err == nil {
			files = append(files, name)
		}
	}
	believes, err := knownhosts.New(files...)
	if err != nil {
		return nil, &Fault{Kind: BadKnownHosts, Err: err}
	}
	p := &proof{addr: addr, believes: believes, keyFiles: cfg.KeyFiles}
	p.kinds = p.knownBy()
	if cfg.Agent != "" {
		if conn, err := net.Dial("unix", cfg.Agent); err == nil { //nolint:noctx // a socket of this machine
			p.agent = conn // one that is gone counts as none
		}
	}
	return p, nil
}

func (p *proof) close() {
	if p.agent != nil {
		_ = p.agent.Close()
	}
}

// knownBy asks with a key that no server has. Of a server that is known by one kind of key another kind must not be
// asked for: that would look like a changed key.
func (p *proof) knownBy() (kinds []string) {
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil
	}
	stranger, err := ssh.NewPublicKey(public)
	if err != nil {
		return nil
	}
	unknown, _ := errors.AsType[*knownhosts.KeyError](p.believes(p.addr, noAddr{}, stranger))
	if unknown == nil {
		return nil
	}
	for _, k := range unknown.Want {
		kind := k.Key.Type()
		if kind == ssh.KeyAlgoRSA { // the same keys, with hashes that are still safe
			kinds = append(kinds, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
		} else if !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// noAddr is the address of nobody: a server is known by the name it was called.
type noAddr struct{}

func (noAddr) Network() string { return "tcp" }
func (noAddr) String() string  { return "0.0.0.0:0" }

func (p *proof) config(user string) *ssh.ClientConfig {
	return &ssh.ClientConfig{
		User: user, HostKeyCallback: p.check, HostKeyAlgorithms: p.kinds, Auth: []ssh.AuthMethod{ssh.PublicKeysCallback(p.keys)}, Timeout: loginTimeout,
	}
}

// check believes a server by its name alone: its address may change.
func (p *proof) check(_ string, _ net.Addr, key ssh.PublicKey) error {
	err := p.believes(p.addr, noAddr{}, key)
	if err == nil {
		p.server = true
		return nil
	}
	p.host = &Fault{Kind: UnknownHost, Detail: ssh.FingerprintSHA256(key), Err: err}
	if _, revoked := errors.AsType[*knownhosts.RevokedError](err); revoked {
		p.host.Kind = RevokedHost
	} else if k, ok := errors.AsType[*knownhosts.KeyError](err); !ok || len(k.Want) > 0 {
		p.host.Kind = ChangedHost
	}
	return p.host
}

// keys are the agent's and those of the files, each once.
func (p *proof) keys() ([]ssh.Signer, error) {
	var all []ssh.Signer
	if p.agent != nil {
		if found, err := agent.NewClient(p.agent).Signers(); err == nil { // one that does not answer counts as none
			all = found
		}
	}
	for _, name := range p.keyFiles {
		if key := p.keyFile(name); key != nil && !slices.ContainsFunc(all, func(s ssh.Signer) bool {
			return string(s.PublicKey().Marshal()) == string(key.PublicKey().Marshal())
		}) {
			all = append(all, key)
		}
	}
	p.signers = len(all)
	return all, nil
}

func (p *proof) keyFile(name string) ssh.Signer {
	raw, err := os.ReadFile(name)
	if err == nil {
		var key ssh.Signer
		if key, err = ssh.ParsePrivateKey(raw); err == nil {
			return key
		}
	}
	if _, locked := errors.AsType[*ssh.PassphraseMissingError](err); locked {
		p.locked = name
	} else if !errors.Is(err, fs.ErrNotExist) {
		p.broken = err
	}
	return nil
}

// why says what a login failed for.
func (p *proof) why(err error) error {
	_, network := errors.AsType[net.Error](err)
	switch {
	case p.host != nil:
		return p.host
	case errors.Is(err, io.EOF): // it hung up
		return errors.Join(io.ErrUnexpectedEOF, err)
	case !p.server || network:
		if kindless, ok := errors.AsType[*ssh.AlgorithmNegotiationError](err); ok && p.kinds != nil {
			return &Fault{Kind: ChangedHost, Detail: "of another kind", Err: kindless}
		}
		return err
	case p.signers > 0:
		return &Fault{Kind: KeysRefused, Err: errors.Join(err, p.broken)}
	case p.locked != "":
		return &Fault{Kind: LockedKey, Detail: p.locked, Err: err}
	}
	return &Fault{Kind: NoKeys, Err: errors.Join(err, p.broken)}
}
