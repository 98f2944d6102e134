package totp

import (
	"strconv"
	"strings"
	"time"
)

// waitingTime is how long a key or recovery codes wait. Without an end a later log-in of somebody else would
// read them.
const waitingTime = time.Hour

// sealWaiting returns what new_app or new_codes has for a secret that waits: the time in milliseconds since
// 1970, a dot, and the secret encrypted.
func (t *SQLTable) sealWaiting(column, owner string, secret []byte) string {
	since := strconv.FormatInt(time.Now().UnixMilli(), 10)
	return since + "." + t.cfg.Vault.Seal(waitingOf(column, owner, since), secret)
}

// openWaiting is the inverse of sealWaiting. ok is false if nothing waits: the column is empty, the hour has
// passed, or it has the form of an earlier version, without a time. A time an hour in the future has ended
// too: a clock was wrong.
func (t *SQLTable) openWaiting(column, owner, stored string) (secret []byte, ok bool, err error) {
	since, sealed, _ := strings.Cut(stored, ".")
	ms, _ := strconv.ParseInt(since, 10, 64) // no number: 0 or the greatest, neither of the last hour
	if time.Since(time.UnixMilli(ms)).Abs() >= waitingTime {
		return nil, false, nil
	}
	secret, err = t.cfg.Vault.Open(waitingOf(column, owner, since), sealed)
	return secret, err == nil, err
}

// waitingOf is the vault's account for what waits: it opens in its column alone, and with its time alone.
func waitingOf(column, owner, since string) string {
	return "\x00" + column + "\x00" + since + "\x00" + owner
}
