package main

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/store"
)

// memoryRow is the memory of one session.
type memoryRow struct {
	name, title string
	bytes       float64
	list        int64 // bytes of the list of the user's sessions; not part of bytes
	least       int64 // bytes of that list under a name of one byte
	note        string
}

// memoryPayload is the size in bytes of each session in the MemoryStore.
const memoryPayload = 250

// measureMemory measures the memory of a session in Redis, for this library, scs and connect-redis, and in a
// MemoryStore.
func (r *run) measureMemory() error {
	for _, p := range r.processes {
		if p.name != "passport" && p.name != "express" && p.name != "scs" {
			continue
		}
		var rows []memoryRow
		for range 5 { // on a busy machine a log-in may store one more time
			row, err := r.inRedis(p)
			if err != nil {
				return err
			}
			rows = append(rows, row)
		}
		slices.SortFunc(rows, func(a, b memoryRow) int { return cmp.Compare(a.bytes, b.bytes) })
		r.memory = append(r.memory, rows[len(rows)/2])
	}
	row, err := memoryStore(1_000_000)
	r.memory = append(r.memory, row)
	return err
}

// inRedis makes one session in an empty Redis and returns its memory.
func (r *run) inRedis(p *process) (memoryRow, error) {
	ctx := context.Background()
	row := memoryRow{name: p.name, title: "Redis: " + p.title}
	if err := r.redis.client.FlushAll(ctx).Err(); err != nil {
		return row, err
	}
	if _, err := logInOnce(p, 0, ""); err != nil {
		return row, err
	}
	keys, err := r.redis.client.Keys(ctx, "*").Result()
	if err != nil {
		return row, err
	}
	for _, k := range keys {
		n, err := r.redis.client.MemoryUsage(ctx, k).Result()
		if err != nil {
			return row, err
		}
		if t := r.redis.client.Type(ctx, k).Val(); t == "string" {
			row.bytes += float64(n)
			row.note = fmt.Sprintf("record of %d bytes%s", r.redis.client.StrLen(ctx, k).Val(), row.note)
		} else {
			row.list = n
			if row.least, err = r.underShortName(ctx, k); err != nil {
				return row, err
			}
			row.note += fmt.Sprintf("; beside it %d for the list of the user's sessions", n)
		}
	}
	return row, nil
}

// underShortName returns the memory that the sorted set under key takes if its name has one byte.
func (r *run) underShortName(ctx context.Context, key string) (int64, error) {
	const name = "x"
	if err := r.redis.client.Copy(ctx, key, name, 0, true).Err(); err != nil {
		return 0, err
	}
	defer r.redis.client.Del(ctx, name)
	return r.redis.client.MemoryUsage(ctx, name).Result()
}

func memoryStore(sessions int) (memoryRow, error) {
	st, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		return memoryRow{}, err
	}
	before := heap()
	payload := make([]byte, memoryPayload)
	for i := range sessions {
		if err := st.Sessions.Create(context.Background(), fmt.Sprintf("%032d", i), payload, time.Hour); err != nil {
			return memoryRow{}, err
		}
	}
	each := float64(heap()-before) / float64(sessions)
	runtime.KeepAlive(st.Sessions)
	return memoryRow{name: "memory", title: "MemoryStore at a million sessions", bytes: each, note: fmt.Sprintf("payload of %d bytes, so %.0f beside it", len(payload), each-float64(len(payload)))}, nil
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
