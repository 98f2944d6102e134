package oidc

import (
	"net/http"
	"strconv"
	"time"
)

// maxAge returns how long ago the provider may have seen the user's credentials, or 0 for any time:
// Config.MaxAge, or less if the parameter max_age says so, which RequireFresh adds.
func (c *core) maxAge(r *http.Request) time.Duration {
	age := c.cfg.MaxAge
	for _, asked := range []string{r.URL.Query().Get("max_age"), r.PostForm.Get("max_age")} {
		seconds, err := strconv.ParseInt(asked, 10, 32)
		if d := time.Duration(seconds) * time.Second; err == nil && d > 0 && (age == 0 || d < age) {
			age = d
		}
	}
	return age
}
