package desktop

import "syscall"

// teller shows a notice with the texts of its environment.
var teller = []string{
	"osascript", "-e",
	`display notification (system attribute "CODITECT_BODY") with title "CODITECT Sync" subtitle (system attribute "CODITECT_TITLE")`,
}

func unseen() *syscall.SysProcAttr { return nil }
