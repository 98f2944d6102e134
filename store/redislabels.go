package store

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/store/internal/contract"
)

// The entries of a label are one sorted set: ids with their deadlines in milliseconds as scores. Its key
// has a digest of the label, which does not reveal the label (S9). Times are compared with the
// application's clock, which has also made the deadlines, not with that of Redis.
var (
	// addScript: KEYS label; ARGV id deadline now.
	addScript = newScript(enterLua + `enter(KEYS[1],ARGV[1],ARGV[2],ARGV[3]) return 0`)

	// listScript: KEYS label; ARGV now. A script, for the reason of readScript, where a plain command might
	// not be answered by the master.
	listScript = newReadScript(`return redis.call('ZRANGEBYSCORE',KEYS[1],'('..ARGV[1],'+inf')`)
)

// enterLua is the part of addScript and createScript that adds an entry to one label. The set expires with
// its latest entry.
const enterLua = `local function enter(label,id,deadline,now)
redis.call('ZADD',label,deadline,id)
redis.call('ZREMRANGEBYSCORE',label,'-inf',now)
local last=redis.call('ZRANGE',label,-1,-1,'WITHSCORES')[2]
if last then redis.call('PEXPIRE',label,string.format('%.0f',last-now)) end end
`

// labelKey returns the key of a label's entries.
func (r *RedisStore) labelKey(label string) string { return r.labels + contract.Digest(label) }

// AddLabel implements [session.Index]. It is one script, which is sent once: if it were
// sent again, the copy could set an earlier deadline.
func (r *RedisStore) AddLabel(ctx context.Context, label, id string, deadline time.Time) error {
	if !contract.ValidID(id) {
		return fmt.Errorf("store: add label: %w", contract.ErrBadID)
	}
	_, err := r.main.run(ctx, sendOnce, addScript, []string{r.labelKey(label)}, id, deadline.UnixMilli(), time.Now().UnixMilli())
	if err != nil {
		return outage("add label", err)
	}
	return nil
}

// RemoveLabel implements [session.Index].
func (r *RedisStore) RemoveLabel(ctx context.Context, label string, ids ...string) error {
	if len(ids) == 0 {
		return ctxError(ctx, "remove label")
	}
	args := append(make([]any, 0, 2+len(ids)), "zrem", r.labelKey(label))
	for _, id := range ids {
		args = append(args, id)
	}
	if err := r.main.send(ctx, redis.NewIntCmd(ctx, args...)); err != nil {
		return outage("remove label", err)
	}
	return nil
}

// Labelled implements [session.Index].
func (r *RedisStore) Labelled(ctx context.Context, label string) ([]string, error) {
	var cmd *redis.Cmd
	var err error
	if key, now := r.labelKey(label), time.Now().UnixMilli(); r.fresh {
		cmd, err = r.main.exec(ctx, mayResend, "", []any{"zrangebyscore", key, fmt.Sprintf("(%d", now), "+inf"})
	} else {
		cmd, err = r.main.run(ctx, mayResend, listScript, []string{key}, now)
	}
	if err != nil {
		return nil, outage("labelled", err)
	}
	ids, err := cmd.StringSlice()
	if err != nil {
		return nil, outage("labelled", err)
	}
	return ids, nil
}
