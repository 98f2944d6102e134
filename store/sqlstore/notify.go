package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store/internal/contract"
)

// With [Config].Listen, the statement that ends a record also sends the notice, by PostgreSQL's pg_notify. It
// needs no further round trip, and is sent only if the end is committed.

// maxChannel is how many bytes PostgreSQL allows a channel's name.
const maxChannel = 63

// channel is the name on which notices are sent. It needs no quotes in LISTEN.
func (c *Config) channel() string {
	name := strings.ToLower(c.Prefix) + "ended"
	if len(name) > maxChannel {
		_, name, _ = strings.Cut(name, ".")
	}
	return strings.ReplaceAll(name, ".", "_")
}

// Listen implements [session.Notifier] by [Config].Listen. Without that it returns an error that matches
// errors.ErrUnsupported.
func (s *Store) Listen(ctx context.Context, tell func(notice string)) error {
	if s.listen == nil {
		return fmt.Errorf("sqlstore: listen: %w", errNoListen)
	}
	if err := ctxError(ctx, "listen"); err != nil {
		return err
	}
	err := s.listen(ctx, s.channel, tell)
	if err == nil && ctx.Err() == nil {
		err = errors.New("Config.Listen returned before its context ended, and without an error")
	}
	return outage("listen", contextError(ctx, err))
}

// Notify implements [session.ChangeNotifier], with [Config].Listen. It is one statement.
func (s *Store) Notify(ctx context.Context, notice string) error {
	if s.listen == nil {
		return fmt.Errorf("sqlstore: notify: %w", errNoListen)
	}
	return s.do(ctx, "notify", func() error {
		_, err := s.once([]string{"notice"}, "SELECT pg_notify('"+s.channel+"',:notice)").exec(ctx, nil, notice)
		return err
	})
}

var _ session.ChangeNotifier = (*Store)(nil)

var errNoListen = fmt.Errorf("Config.Listen is not set: %w", errors.ErrUnsupported)

// tell returns the column of a RETURNING that sends :notice if condition is true of the row.
func (s *Store) tell(condition string) string {
	if s.listen == nil {
		return "NULL"
	}
	return s.send(condition, "{moved}", ":notice::text")
}

// send returns the column that sends notice if condition is true of the row. If moved is true, the record has
// a successor and Node has written it back: then it sends the notice that [session.EndNotice] makes for a
// session with a successor.
func (s *Store) send(condition, moved, notice string) string {
	wentOn := session.EndNotice("", nil, "next")[:1]
	return "CASE WHEN " + condition + " THEN pg_notify('" + s.channel + "', CASE WHEN " + moved +
		" THEN '" + wentOn + "'||substr(" + notice + ",2) ELSE " + notice + " END) IS NULL END"
}

// andTell is [Store.tell] as the only column, for a statement that returns nothing otherwise.
func (s *Store) andTell(condition string) string {
	if s.listen == nil {
		return ""
	}
	return " RETURNING " + s.tell(condition)
}

// told appends the notice of [session.EndNotice] for the end of id to a statement's values.
func (s *Store) told(values []any, id string, old []byte, note string) []any {
	if s.listen == nil {
		return values
	}
	return append(values, session.EndNotice(id, old, contract.Successor(note)))
}

// tellMany takes a statement that ends records and returns id, note and live of each. It returns one that
// also sends the notices, and returns id, note and one column more.
func (s *Store) tellMany(text string, ids, params []string, values []any) (string, []string, []any) {
	rows := make([]string, len(ids))
	for i, id := range ids {
		name := "notice" + strconv.Itoa(i)
		rows[i] = "(:" + params[i] + "::text,:" + name + "::text)"
		params, values = append(params, name), append(values, session.EndManyNotice(id))
	}
	text = "WITH e AS (" + text + ") SELECT e.id, e.note, " + s.send("e.live", "e.note NOT IN ('','-')", "v.notice") +
		" FROM e JOIN (VALUES " + strings.Join(rows, ",") + ") AS v (id,notice) ON v.id=e.id"
	return text, params, values
}
