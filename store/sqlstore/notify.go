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

// With [Config].Listen the statement that ends a record also sends the notice, by PostgreSQL's pg_notify: it
// costs no trip, and goes out when the end is committed, or never.

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

// tell is the column of a RETURNING that sends :notice if a row meets the condition.
func (s *Store) tell(condition string) string {
	if s.listen == nil {
		return "NULL"
	}
	return s.send(condition, "{moved}", ":notice::text")
}

// send is the column that sends notice if a row meets condition, as [session.EndNotice] has it of a session
// that went on if there was a note of its successor: Node has written that record back.
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

// told adds to a statement's values the notice that it sends of the end of id, as [session.EndNotice] has it.
func (s *Store) told(values []any, id string, old []byte, note string) []any {
	if s.listen == nil {
		return values
	}
	return append(values, session.EndNotice(id, old, contract.Successor(note)))
}

// tellMany makes of a statement that returns id, note and live of each record that it ends one that returns id
// and note, and sends the notices.
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
