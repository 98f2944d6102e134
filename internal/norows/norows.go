// Package norows recognises look-up functions that forget the most common error.
package norows

import (
	"fmt"
	"strings"
)

// Hint returns err, with cure added if err says that a query found no row: an application that returns that
// error makes an outage of every unknown name. The text is that of database/sql and pgx, neither of which
// is worth an import here.
func Hint(err error, cure string) error {
	if err == nil || !strings.Contains(err.Error(), "no rows in result set") {
		return err
	}
	return fmt.Errorf("%w (%s)", err, cure)
}
