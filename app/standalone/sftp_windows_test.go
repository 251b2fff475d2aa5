package standalone

import "testing"

// alsoSFTP has no server here: that of the tests gets its connections from the test, which Windows' OpenSSH cannot.
func alsoSFTP(*testing.T, func(*testing.T, *Target)) {}
