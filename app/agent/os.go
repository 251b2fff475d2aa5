package agent

import "runtime"

// osName is the operating system as machine.json says it.
const osName = runtime.GOOS + "/" + runtime.GOARCH
