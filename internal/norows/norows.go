// Package norows recognises a look-up that was written without its most common case.
package norows

import (
	"fmt"
	"strings"
)

// Hint returns err, and with it cure if it says that a query found no row: an application
// that passes that on makes an outage of every unknown name. The text is that of
// database/sql and of pgx, neither of which is worth an import here.
func Hint(err error, cure string) error {
	if err == nil || !strings.Contains(err.Error(), "no rows in result set") {
		return err
	}
	return fmt.Errorf("%w (%s)", err, cure)
}
