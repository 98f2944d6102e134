package passkey

import (
	"fmt"
	"mime"
	"net/http"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/internal/body"
)

// maxBody is the largest accepted body in bytes. The largest responses of browsers have the certificate
// chain of a TPM, about 8 KiB.
const maxBody = 64 << 10

// readJSON returns the body of r, and leaves it unchanged for the handler.
func readJSON(r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil, &strategy.Failure{Status: http.StatusBadRequest, Reason: "no answer of an authenticator"}
	}
	if r.ContentLength > maxBody {
		return nil, unreadable(http.StatusRequestEntityTooLarge, body.TooLarge)
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" || r.Header.Get("Content-Encoding") != "" {
		return nil, &strategy.Failure{Status: http.StatusUnsupportedMediaType, Reason: "the body is not JSON: send it with Content-Type application/json, uncompressed"}
	}
	sent, err := body.Whole(r, maxBody, unreadable)
	if err == nil && len(sent) == 0 { // an empty body without Content-Length: 0
		err = &strategy.Failure{Status: http.StatusBadRequest, Reason: "no answer of an authenticator"}
	}
	return sent, err
}

// unreadable refuses a body that no browser sends.
func unreadable(status int, reason string) error {
	return &strategy.Failure{Status: status, Reason: reason, Malformed: true}
}

// refuse returns a refusal with the reason for the operator.
func refuse(format string, args ...any) error {
	return &strategy.Failure{Reason: fmt.Sprintf(format, args...)}
}
