package guard_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// wantNoSecretLogged ends every test of this package that has a world: neither its log,
// which is at the level of debugging, nor its events have a secret in them.
func (w *world) wantNoSecretLogged() {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all strings.Builder
	all.WriteString(w.log.String())
	for _, e := range w.heard {
		text, err := json.Marshal(e)
		if err != nil {
			w.t.Errorf("event %s: %v", e.Name, err)
		}
		fmt.Fprintf(&all, "%s %v\n", text, e.Err)
	}
	text := all.String()
	for _, known := range slices.Concat([]string{password, secret}, w.store.ids, w.hidden) {
		if strings.Contains(text, known) {
			w.t.Errorf("the secret %q is in the log or in an event:\n%s", known, text)
		}
	}
}
