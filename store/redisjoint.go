package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store/internal/contract"
)

// A log-in and a log-out are one script each if one server has all keys. Nobody sees a state between the
// steps of a script, and an error stops it. A pipeline would continue after an error, and end the old
// record although the new one was refused.
//
// createScript: KEYS record label… [old note label…]; ARGV data ms id deadline now labels
// [old text ms|0 oldid [channel notice]].
// Answers 0 stored; 1 stored, and the old record ended; 2 there is a record.
var createScript = newScript(enterLua + `if not redis.call('SET',KEYS[1],ARGV[1],'NX','PX',ARGV[2]) then return 2 end
local n=ARGV[6]+1
for i=2,n do enter(KEYS[i],ARGV[3],ARGV[4],ARGV[5]) end
if not KEYS[n+1] or redis.call('GET',KEYS[n+1])~=ARGV[7] or redis.call('EXISTS',KEYS[n+2])==1 then return 0 end
redis.call('DEL',KEYS[n+1])
if ARGV[11] then redis.pcall('PUBLISH',ARGV[11],ARGV[12]) end
for i=n+3,#KEYS do redis.pcall('ZREM',KEYS[i],ARGV[10]) end
if ARGV[9]~='0' then redis.call('SET',KEYS[n+2],ARGV[8],'PX',ARGV[9]) end
return 1`)

// sameServer records whether all keys of a store are on one server, so that one script can use them.
type sameServer struct {
	likely bool        // judging by the client and the prefix; false if replicas must confirm each step
	denied atomic.Bool // the server has refused such a script: a cluster behind a proxy
}

func (s *sameServer) unsure() bool { return !s.likely || s.denied.Load() }

// refused reports whether the server did not run a script because its keys are in several slots, or because
// their slot is moving to another node. A command on one key is accepted even then.
func (s *sameServer) refused(err error) bool {
	if strings.Contains(err.Error(), "CROSSSLOT") {
		s.denied.Store(true)
		return true
	}
	return redis.IsTryAgainError(err)
}

// Combines implements [session.Combiner].
func (r *RedisStore) Combines() any { return r }

// CreateIndexed implements [session.Combiner]. It is one script that go-redis sends once. In a
// cluster without a hash tag in RedisConfig.Prefix it is unsupported, and with RedisConfig.Replicas: a log-in
// that they do not confirm must not have ended the session before it.
func (r *RedisStore) CreateIndexed(ctx context.Context, n session.NewRecord) (oldEnded bool, err error) {
	if r.joint.unsure() {
		return false, errors.ErrUnsupported
	}
	if err := contract.CheckTTL(ctx, n.TTL); err != nil {
		return false, fmt.Errorf("store: create: %w", err)
	}
	if !contract.ValidID(n.ID) {
		return false, fmt.Errorf("store: create: %w", contract.ErrBadID)
	}
	keys := append(make([]string, 0, 3+len(n.Labels)+len(n.OldLabels)), r.cfg.Prefix+n.ID)
	keys = r.labelKeys(keys, n.Labels)
	args := []any{string(n.Data), n.TTL.Milliseconds(), n.ID, n.Deadline.UnixMilli(), time.Now().UnixMilli(), len(n.Labels)}
	if contract.ValidID(n.OldID) {
		text, life, err := contract.Note("", n.OldLife, r.cfg.Tombstones)
		if err != nil {
			return false, fmt.Errorf("store: create: %w", err)
		}
		old := r.cfg.Prefix + n.OldID
		keys = r.labelKeys(append(keys, old, r.note(old)), n.OldLabels)
		args = append(args, string(n.OldData), text, life.Milliseconds(), n.OldID)
		if r.cfg.Notify {
			args = append(args, r.channel, session.EndNotice(n.OldID, n.OldData, ""))
		}
	}
	cmd, err := r.main.run(ctx, sendOnce, createScript, keys, args...)
	if err != nil && r.joint.refused(err) {
		return false, errors.ErrUnsupported
	}
	if err != nil {
		return false, outage("create", err)
	}
	switch cmd.Val() {
	case int64(0):
		return false, nil
	case int64(1):
		return true, nil
	case int64(2):
		return false, session.ErrExists
	}
	return false, outage("create", errBadReply)
}

// EndIndexed implements [session.Combiner]. It is one script, which go-redis may send again: that
// ends what was to be ended. It is unsupported where CreateIndexed is.
func (r *RedisStore) EndIndexed(ctx context.Context, id string, life time.Duration, labels []string) (string, error) {
	if r.joint.unsure() || !contract.ValidID(id) {
		return "", errors.ErrUnsupported
	}
	text, life, err := contract.Note("", life, r.cfg.Tombstones)
	if err != nil {
		return "", fmt.Errorf("store: end: %w", err)
	}
	return r.end(ctx, "end", mayResend, id, nil, text, life, labels...)
}

// EndManyIndexed implements [session.Combiner]. It is EndMany with the ids' labels in each script. It is
// unsupported where CreateIndexed is.
func (r *RedisStore) EndManyIndexed(ctx context.Context, ids []string, life time.Duration, labels [][]string) ([]string, error) {
	if r.joint.unsure() {
		return nil, errors.ErrUnsupported
	}
	return r.endMany(ctx, ids, life, labels)
}

// labelKeys appends the keys of labels to keys.
func (r *RedisStore) labelKeys(keys, labels []string) []string {
	keys = slices.Grow(keys, len(labels))
	for _, l := range labels {
		keys = append(keys, r.labelKey(l))
	}
	return keys
}

// oneServer reports whether the type of client says that there is one server.
func oneServer(client RedisClient) bool {
	_, ok := client.(*redis.Client)
	return ok
}
