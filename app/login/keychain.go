package login

import (
	"errors"
	"sync"
	"time"

	"github.com/zalando/go-keyring"
)

// service is under which name the keychain shows the entry.
const service = "CODITECT Sync"

// keychainWithin limits every call of the keychain: it may wait for somebody to type a password at a screen that nobody sees.
const keychainWithin = 3 * time.Second

var (
	// errNoKeychain means that this system has none, or none that could be used.
	errNoKeychain = errors.New("there is no keychain")
	// errLocked means that there is one and it does not open now.
	errLocked = errors.New("the keychain is locked or does not answer")
)

// keychain is the system's, for one entry. Its calls take three seconds at most. One of them may be waiting for the person
// to unlock it: until it is answered the others are errLocked at once, and a person who said no is not asked again before
// the keychain has been open.
type keychain struct {
	user string
	off  bool
	// probe tells whether there is one that is open: nil, errNoKeychain or errLocked.
	probe func() error
	busy  chan struct{} // holds a token while a call goes on

	mu    sync.Mutex
	asked bool // the person was asked to unlock it
}

func newKeychain(user string, off bool) *keychain {
	return &keychain{user: user, off: off, probe: probeKeychain, busy: make(chan struct{}, 1)}
}

func (k *keychain) get() (text string, err error) {
	var got string
	err = k.call(func() (err error) { got, err = keyring.Get(service, k.user); return err })
	if err == nil { // else the call may still be writing to got
		text = got
	}
	return text, err
}

func (k *keychain) set(text string) error {
	return k.call(func() error { return keyring.Set(service, k.user, text) })
}

func (k *keychain) remove() error {
	return k.call(func() error { return keyring.Delete(service, k.user) })
}

// call runs f for three seconds at most. An f that takes longer goes on, and ends when the person or the system ends it.
func (k *keychain) call(f func() error) error {
	if k.off {
		return errNoKeychain
	}
	select {
	case k.busy <- struct{}{}:
	default:
		return errLocked
	}
	ended := make(chan error, 1)
	go func() {
		err := k.mayCall()
		if err == nil {
			err = sorted(f())
		}
		<-k.busy
		ended <- err
	}()
	limit := time.NewTimer(keychainWithin)
	defer limit.Stop()
	select {
	case err := <-ended:
		return err
	case <-limit.C:
		return errLocked
	}
}

// mayCall says why the keychain is not to be called now.
func (k *keychain) mayCall() error {
	err := k.probe()
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case errors.Is(err, errLocked) && !k.asked:
		k.asked = true
		return nil // the call asks the person
	case err == nil:
		k.asked = false
	}
	return err
}

// sorted is what the library says in our words. What it says besides is different on every system, and always means that the
// entry cannot be used now.
func sorted(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, keyring.ErrNotFound):
		return errNoSecret
	case errors.Is(err, keyring.ErrUnsupportedPlatform), errors.Is(err, keyring.ErrSetDataTooBig):
		return errors.Join(errNoKeychain, err)
	}
	return errors.Join(errLocked, err)
}
