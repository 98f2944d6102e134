package store

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/redis/go-redis/v9"
)

// RedisConfig says where and how a program keeps its data in Redis. connect-redis's ttl,
// disableTTL, disableTouch and serializer have no counterpart: package session decides
// the time to live and the bytes of a record.
type RedisConfig struct {
	// Name is the program's, such as "shop"; required. It is the first part of every key
	// but those of the records, followed by a colon: "shop:label:…", "shop:count:…". So
	// programs with different Names can share a Redis without sharing data of users, and
	// a Redis user can be given rights to one program's keys alone. Programs that share
	// sessions on purpose, and all processes of one program, have the same Name. 1 to 64
	// letters, digits, '.', '_' and '-'.
	Name string

	// Prefix begins the key of every record; empty means "sess:", as Node has it.
	// Programs that must not accept each other's sessions need different prefixes too.
	// It may contain a hash tag ("{app}:sess:"), which puts all records into one slot of
	// a cluster. connect-redis: prefix.
	Prefix string

	// NoPrefix keeps records under the bare id. connect-redis: prefix: "". Walks then
	// see every key of the database, so Clear is refused, and so are Tombstones.
	NoPrefix bool

	// Tombstones makes the end of a session final even if a Node process still has it in
	// memory and writes it back: the end stores a note in a second key, for at most as long
	// as the record would have lived. Each read gets both keys with one MGET, and an id
	// with such a note is unknown even if there is a record. It costs about 130 bytes of
	// Redis memory per ended session. Node itself still accepts what it wrote.
	Tombstones bool

	// Notify tells every process at once which sessions end, for guard.Guard.Watch: the end of a
	// record publishes a part of a hash of its id, in the same script, and a process that watches
	// something holds one subscription. The channel is the Name, ":ended:" and the Prefix. Set it
	// in all processes of a program: if a process without it ends a session, the others notice
	// that only after session.Config.WatchInterval. The client must be a *redis.Client or *redis.ClusterClient,
	// and its user needs more rights, which docs/REDIS.md has.
	Notify bool

	// Reads, if not nil, is used for reading records, and nothing else: a client with a
	// client-side cache, an automatic pipeline (client.AsyncAutoPipeline(); the blocking
	// kind costs a goroutine for each read), or a client that reads from replicas. Reads that
	// must not be stale go to the store's own client, which is also what nil means.
	Reads RedisClient

	// Pipeline, if not nil, is used instead of Reads under load: once six calls are in
	// flight, and for the next 64. It is for a *redis.ClusterClient, whose AsyncAutoPipeline()
	// sends what it is given at the same moment as one batch to each node. If nil, it is not
	// used; a *redis.Client needs none, see NoBatches.
	Pipeline RedisClient

	// NoBatches sends each command alone. Otherwise what is asked for at the same moment goes
	// in one pipeline, once six calls are in flight, and for the next 64: the reads as one
	// MGET, and beside it the scripts of log-ins, log-outs and writes, each atomic as it is
	// alone. That delays a few calls a little and makes many much cheaper. It takes one
	// connection of the client, of its pool for pipelines (Options.PipelinePoolSize) unless
	// the batch is one command, and needs no closing. It is there where the client is a
	// *redis.Client, also of NewFailoverClient: the keys of other clients are on several
	// servers. Reads go together unless that client has a client-side cache, or Reads or
	// Pipeline is given. A read whose batch fails is repeated alone, so that errors and time
	// limits are the same. A write whose batch fails is an outage, as it is alone: perhaps it
	// was executed. If the connection breaks, that is so for every write of the batch. In a
	// trace, a batch belongs to none of its requests. A connection without a buffer, such as
	// net.Pipe and so the Dial of miniredis, hangs with pipelines: start miniredis on a port.
	NoBatches bool

	// Replicas is how many replicas must confirm a write, with WAIT, before it counts.
	// With zero the master's answer is enough, and the writes of its last moment are
	// lost if it dies and a replica takes over. A write that too few confirm before its
	// context ends (or within a second, if it does not end) is an outage, though it may
	// have been executed. While too few replicas are up, that is so for every log-in,
	// log-out and change. It costs one more command in the same round trip, and the time
	// of the slowest of those replicas; a log-in's steps are taken one by one, so that one
	// that is not confirmed leaves the session before it alone. Loss is then unlikely, but impossible only if
	// all replicas have to confirm: otherwise one that did not may take over.
	//
	// The client must be a *redis.Client or *redis.ClusterClient: others share their
	// connections or do not show the master of a key.
	Replicas int

	// ScanCount is how many keys one step of a walk asks for; 0 means 100.
	// connect-redis: scanCount.
	ScanCount int
}

const (
	defaultPrefix    = "sess:"
	defaultScanCount = 100
)

// kinds are the parts of a key, after the program's name, that say what is not a record: notes of ended
// sessions, labels, counts, tokens, cells, and large records on their way.
var kinds = []string{"x:", "label:", "count:", "token:", "cell:", "write:"}

const maxName = 64

func validName(name string) bool {
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("._-", rune(c)) {
			return false
		}
	}
	return len(name) > 0 && len(name) <= maxName
}

// own returns the prefix of the program's keys of a kind.
func (c *RedisConfig) own(kind string) string { return c.Name + ":" + kind }

// complete fills in defaults, or returns every mistake.
func (c *RedisConfig) complete(client RedisClient) error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("store: "+format, args...)) }
	if isNil(client) {
		bad("client is nil: give a client of go-redis")
	}
	for _, f := range []struct {
		name   string
		client RedisClient
	}{{"Reads", c.Reads}, {"Pipeline", c.Pipeline}} {
		if f.client != nil && isNil(f.client) {
			bad("RedisConfig.%s is a nil client: give a client, or leave the field out", f.name)
		}
	}
	switch {
	case c.NoPrefix && c.Prefix != "":
		bad("RedisConfig.Prefix is given beside NoPrefix: choose one")
	case c.NoPrefix && c.Tombstones:
		bad("RedisConfig.Tombstones needs a Prefix: leave NoPrefix out")
	case c.Prefix == "" && !c.NoPrefix:
		c.Prefix = defaultPrefix
	}
	if !validName(c.Name) {
		bad("RedisConfig.Name is %q: give the program's name, 1 to %d letters, digits, '.', '_' and '-', to begin its keys with", c.Name, maxName)
	}
	if _, ok := hashTag(c.Prefix); !ok {
		bad("RedisConfig.Prefix %q has an empty or half hash tag: give {tag}, or no braces", c.Prefix)
	}
	for _, kind := range kinds {
		if own := c.own(kind); !c.NoPrefix && (strings.HasPrefix(own, c.Prefix) || strings.HasPrefix(c.Prefix, own)) {
			bad("RedisConfig.Prefix %q and the keys %q of RedisConfig.Name cannot be told apart: give another", c.Prefix, own)
		}
	}
	if c.Replicas < 0 {
		bad("RedisConfig.Replicas is %d: give how many must confirm a write, or 0 for none", c.Replicas)
	} else if c.Replicas > 0 && !showsMaster(client) {
		bad("RedisConfig.Replicas needs a *redis.Client or *redis.ClusterClient, not a %T: give that, and the pipeline as RedisConfig.Reads", client)
	}
	if c.Notify && !showsMaster(client) {
		bad("RedisConfig.Notify needs a *redis.Client or *redis.ClusterClient, not a %T: give that, and the pipeline as RedisConfig.Reads", client)
	}
	if c.ScanCount < 0 {
		bad("RedisConfig.ScanCount is %d: give the keys of one step, or 0 for %d", c.ScanCount, defaultScanCount)
	} else if c.ScanCount == 0 {
		c.ScanCount = defaultScanCount
	}
	return errors.Join(errs...)
}

// showsMaster reports whether client can return the connection to the master of a key.
func showsMaster(client RedisClient) bool {
	switch client.(type) {
	case *redis.Client, *redis.ClusterClient:
		return true
	}
	return false
}

func isNil(c RedisClient) bool {
	v := reflect.ValueOf(c)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

// hashTag reports whether prefix has a hash tag, and whether its braces are balanced. Redis Cluster hashes
// only the text between the first "{" and the next "}", if that is not empty.
func hashTag(prefix string) (tagged, ok bool) {
	open, end := strings.IndexByte(prefix, '{'), strings.IndexByte(prefix, '}')
	if open < 0 && end < 0 {
		return false, true
	}
	ok = strings.Count(prefix, "{") == 1 && strings.Count(prefix, "}") == 1 && end > open+1
	return ok, ok
}

// authoritative reports whether client reads from the master only, without a cache.
func authoritative(client RedisClient) bool {
	switch c := client.(type) {
	case *redis.Client:
		return c.Options().ClientSideCacheConfig == nil && c.Options().ClientSideCache == nil
	case *redis.ClusterClient:
		return !c.Options().ReadOnly
	case *redis.Ring:
		return true
	}
	return false
}
