package apikey

import (
	"net/http"
	"strings"

	"github.com/seed-6f34412b/passport/strategy"
)

// sent returns the keys in r's headers.
func (s *Strategy[U]) sent(r *http.Request) (keys []string) {
	for _, name := range s.cfg.Headers {
		for _, value := range r.Header.Values(name) {
			if value != "" {
				keys = append(keys, value)
			}
		}
	}
	for _, value := range r.Header.Values("Authorization") {
		scheme, token, _ := strings.Cut(value, " ")
		token = strings.TrimLeft(token, " ")
		if strings.EqualFold(scheme, s.cfg.Scheme) && strings.HasPrefix(token, s.cfg.Prefix+"_") {
			keys = append(keys, token)
		}
	}
	return keys
}

// refusal returns a refusal with a challenge like that of RFC 6750 §3. The error parameter is only for the
// scheme Bearer; others do not have it.
func (s *Strategy[U]) refusal(code, reason string) error {
	challenge := s.cfg.Scheme + ` realm="` + s.cfg.Realm + `"`
	if code != "" && strings.EqualFold(s.cfg.Scheme, "Bearer") {
		challenge += `, error="` + code + `"`
	}
	return &strategy.Failure{Challenge: challenge, Reason: reason}
}
