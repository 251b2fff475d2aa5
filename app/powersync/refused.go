package powersync

import "encoding/json"

// Reaction is what to do about an answer that is no stream. Nothing ever signs a person out: the server's clock, keys and
// configuration change, and the rows that wait are safe meanwhile.
type Reaction string

const (
	// ReactRead says: it is a stream.
	ReactRead Reaction = "read"
	// ReactRetry says: it will pass. Try again later, with a growing delay, no sooner than Retry-After.
	ReactRetry Reaction = "retry"
	// ReactNewToken says: this token is not taken. Get another one and try again; when that is refused too, go on as with
	// ReactFault.
	ReactNewToken Reaction = "new_token"
	// ReactFault says: it will not pass by itself. Let a person know, and try again seldom.
	ReactFault Reaction = "fault"
)

// Refusal is what an answer says.
type Refusal struct {
	Reaction Reaction
	Code     string // such as "PSYNC_S2103", "" when there is none
	// Expired: the token was good until its time was over, which is no news for anybody.
	Expired bool
	// Cause is a sentence for people, "" for ReactRead. It repeats nothing of the answer.
	Cause string
}

// causes says what the codes mean whose status does not say enough.
var causes = map[string]Refusal{
	"PSYNC_S2101": {Reaction: ReactNewToken, Cause: "The cloud does not know the key of this machine's token."},
	"PSYNC_S2103": {Reaction: ReactNewToken, Expired: true, Cause: "The token of this machine is used up."},
	"PSYNC_S2104": {Reaction: ReactNewToken, Cause: "The token of this machine is made for a longer time than the cloud takes."},
	"PSYNC_S2105": {Reaction: ReactNewToken, Cause: "The token of this machine is made for another cloud."},
	"PSYNC_S2106": {Reaction: ReactNewToken, Cause: "The cloud asks who this is."},
	"PSYNC_S2302": {Reaction: ReactRetry, Cause: "The cloud is getting ready."},
	"PSYNC_S2304": {Reaction: ReactRetry, Cause: "Too many machines are connected to the cloud."},
	"PSYNC_S2305": {Reaction: ReactFault, Cause: "This account may see more projects than the cloud can send."},
	"PSYNC_S2003": {Reaction: ReactRetry, Cause: "The cloud is starting."},
}

// Refused reads the status and the beginning of the body of an answer. The body may be anything.
func Refused(status int, body []byte) Refusal {
	if status == 200 {
		return Refusal{Reaction: ReactRead}
	}
	code := codeOf(body)
	r, known := causes[code]
	if !known || status == 401 && r.Reaction != ReactNewToken {
		r = byStatus(status)
	}
	r.Code = code
	return r
}

func byStatus(status int) Refusal {
	switch {
	case status == 401:
		return Refusal{Reaction: ReactNewToken, Cause: "The cloud does not take this machine's token."}
	case status == 403:
		return Refusal{Reaction: ReactNewToken, Cause: "The cloud does not let this machine read."}
	case status == 404:
		return Refusal{Reaction: ReactFault, Cause: "There is no sync stream at this address."}
	case status == 408, status == 425, status == 429:
		return Refusal{Reaction: ReactRetry, Cause: "The cloud is busy."}
	case status >= 500:
		return Refusal{Reaction: ReactRetry, Cause: "The cloud has a problem."}
	case status >= 300 && status < 400, status < 300:
		return Refusal{Reaction: ReactFault, Cause: "Something else than the cloud answers at this address."}
	}
	return Refusal{Reaction: ReactFault, Cause: "The cloud does not understand this version of the program."}
}

// codeOf is the code of an error body, "" where there is none.
func codeOf(body []byte) string {
	var b struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &b) != nil || len(b.Error.Code) > 64 {
		return ""
	}
	return b.Error.Code
}
