package sqlstore

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/seed-6f34412b/passport/store/internal/contract"
)

// The kinds of values, which share a table. The application's names become digests.
const (
	countKind = "n"
	tokenKind = "t"
	cellKind  = "c"
	leaseKind = "l"
)

// keep returns the statement that stores a value under a key that has none, or whose value has expired.
func keep(d *database, kind string) *statement {
	if d.words.returns {
		return d.statement("key new ttl", "INSERT INTO {values} AS v (kind,k,value,expires) VALUES ('"+kind+"',:key,:new,{now}+:ttl) "+
			"ON CONFLICT (kind,k) DO UPDATE SET value=excluded.value, expires=excluded.expires WHERE v.expires<={now}")
	}
	return d.statement("key new ttl", "INSERT INTO {values} (kind,k,value,expires) VALUES ('"+kind+"',:key,:new,{now}+:ttl) "+
		"ON DUPLICATE KEY UPDATE n=0*LAST_INSERT_ID(IF(expires>{now},2,1)), value=IF(expires>{now},value,VALUES(value)), expires=IF(expires>{now},expires,VALUES(expires))")
}

// Cells stores small values that are changed by compare-and-swap: a strategy.Cells that several processes
// share. [New] makes it; it is safe for concurrent use.
type Cells struct {
	*database
	load, keep, swap, drop *statement
}

func newCells(d *database) *Cells {
	const same = " WHERE kind='" + cellKind + "' AND k=:key AND value=:old AND expires>{now}"
	return &Cells{
		database: d,
		load:     d.statement("key", "SELECT value FROM {values} WHERE kind='"+cellKind+"' AND k=:key AND expires>{now}"),
		keep:     keep(d, cellKind),
		swap:     d.statement("key old new ttl", "UPDATE {values} SET value=:new, expires={now}+:ttl"+same),
		drop:     d.statement("key old", "DELETE FROM {values}"+same),
	}
}

// Load returns the value of key, or nil if there is none or it has expired. It is one SELECT, from the
// primary. Any error is an outage.
func (c *Cells) Load(ctx context.Context, key string) ([]byte, error) {
	key = contract.Digest(key)
	return try(ctx, c.database, "load cell", func() (value []byte, err error) {
		_, err = c.load.row(ctx, nil, []any{key}, &value)
		return value, err
	})
}

// Swap replaces the value of key by new for ttl, if it is exactly old. A nil old means that there is no
// value; a nil new removes it. If the value is another one, Swap returns false and that value. A ttl under a
// millisecond is an error; any other error is an outage, after which the swap may have happened. It is one
// statement, and one SELECT more if the value is another one.
func (c *Cells) Swap(ctx context.Context, key string, old, new []byte, ttl time.Duration) (found []byte, done bool, err error) {
	if err := contract.CheckSwap(ctx, new, ttl); err != nil {
		return nil, false, fmt.Errorf("sqlstore: swap cell: %w", err)
	}
	key = contract.Digest(key)
	old, new = bytes.Clone(old), bytes.Clone(new)
	s, err := try(ctx, c.database, "swap cell", func() (s swapped, err error) {
		if s.done, err = c.attempt(ctx, key, old, new, ttl.Milliseconds()); err != nil || s.done {
			return s, err
		}
		if _, err = c.load.row(ctx, nil, []any{key}, &s.there); err != nil {
			return s, err
		}
		if (s.there == nil) != (old == nil) || !bytes.Equal(s.there, old) {
			return s, nil
		}
		if s.done = old == nil && new == nil; !s.done {
			err = errChanged
		}
		return s, err
	})
	return s.there, s.done, err
}

// swapped is the result of a Swap.
type swapped struct {
	there []byte
	done  bool
}

func (c *Cells) attempt(ctx context.Context, key string, old, new []byte, ttl int64) (bool, error) {
	var n int64
	var err error
	switch {
	case old == nil && new == nil:
		return false, nil
	case old == nil:
		return c.inserted(ctx, c.keep, key, new, ttl)
	case new == nil:
		n, err = c.drop.affected(ctx, nil, key, old)
	default:
		n, err = c.swap.affected(ctx, nil, key, old, new, ttl)
	}
	return n > 0, err
}

// Tokens stores values that can be taken once: a strategy.Tokens that several processes share. [New] makes
// it; it is safe for concurrent use.
type Tokens struct {
	*database
	put, take, see *statement
}

func newTokens(d *database) *Tokens {
	t := &Tokens{database: d}
	const row = "INSERT INTO {values} (kind,k,value,expires) VALUES ('" + tokenKind + "',:key,:new,{now}+:ttl) "
	const take = "DELETE FROM {values} WHERE kind='" + tokenKind + "' AND k=:key"
	if d.words.returns {
		t.put = d.statement("key new ttl", row+"ON CONFLICT (kind,k) DO UPDATE SET value=excluded.value, expires=excluded.expires")
		t.take = d.statement("key", take+" RETURNING value, expires>{now}")
		return t
	}
	t.put = d.statement("key new ttl", row+"ON DUPLICATE KEY UPDATE value=VALUES(value), expires=VALUES(expires)")
	t.see = d.statement("key", "SELECT value FROM {values} WHERE kind='"+tokenKind+"' AND k=:key AND expires>{now}")
	t.take = d.statement("key old", take+" AND value=:old AND expires>{now}")
	return t
}

// Put stores v under key for ttl, in place of what was there. A ttl under a millisecond is an error; any
// other error is an outage. It is one INSERT.
func (t *Tokens) Put(ctx context.Context, key string, v []byte, ttl time.Duration) error {
	if err := contract.CheckTTL(ctx, ttl); err != nil {
		return fmt.Errorf("sqlstore: put token: %w", err)
	}
	value := packBytes(v)
	return t.do(ctx, "put token", func() error {
		_, err := t.put.exec(ctx, nil, contract.Digest(key), value, ttl.Milliseconds())
		return err
	})
}

// Take returns and removes the value of key; of several callers one gets it. It returns false if there is
// none. An error is an outage, after which the value may be gone. It is one DELETE, in MySQL after one
// SELECT.
func (t *Tokens) Take(ctx context.Context, key string) (value []byte, found bool, err error) {
	key = contract.Digest(key)
	k, err := try(ctx, t.database, "take token", func() (k taken, err error) {
		if t.see == nil {
			there, err := t.take.row(ctx, nil, []any{key}, &k.value, &k.live)
			k.live = there && k.live
			return k, err
		}
		if there, err := t.see.row(ctx, nil, []any{key}, &k.value); err != nil || !there {
			return k, err
		}
		n, err := t.take.affected(ctx, nil, key, k.value)
		if err == nil && n == 0 {
			err = errChanged // another call took it, or put a new value: try again
		}
		k.live = n > 0
		return k, err
	})
	if err != nil || !k.live {
		return nil, false, err
	}
	return unpackBytes(k.value), true, nil
}

// taken is the value that a Take found.
type taken struct {
	value []byte
	live  bool
}
