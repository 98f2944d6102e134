package store_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/store"
)

func TestRedisNamesEveryMistake(t *testing.T) {
	client := redis.NewClient(&redis.Options{})
	defer client.Close()
	for name, row := range map[string]struct {
		client store.RedisClient
		cfg    store.RedisConfig
		want   []string
	}{
		"the zero config":             {client, store.RedisConfig{}, nil},
		"a hash tag":                  {client, store.RedisConfig{Prefix: "{app}:s:", Tombstones: true}, nil},
		"a cluster":                   {redis.NewClusterClient(&redis.ClusterOptions{}), store.RedisConfig{}, nil},
		"no client":                   {nil, store.RedisConfig{}, []string{"client is nil"}},
		"a nil pointer":               {(*redis.Client)(nil), store.RedisConfig{}, []string{"client is nil"}},
		"a nil client for reads":      {client, store.RedisConfig{Reads: (*redis.Ring)(nil)}, []string{"RedisConfig.Reads"}},
		"a nil client for a pipeline": {client, store.RedisConfig{Pipeline: (*redis.AutoPipeliner)(nil)}, []string{"RedisConfig.Pipeline"}},
		"no prefix":                   {client, store.RedisConfig{NoPrefix: true}, nil},
		"notices on a ring":           {redis.NewRing(&redis.RingOptions{}), store.RedisConfig{Notify: true}, []string{"Notify needs a *redis.Client"}},
		"no prefix with tombstones":   {client, store.RedisConfig{NoPrefix: true, Tombstones: true}, []string{"Tombstones needs a Prefix"}},
		"a prefix beside no prefix":   {client, store.RedisConfig{NoPrefix: true, Prefix: "s:"}, []string{"beside NoPrefix"}},
		"an empty hash tag":           {client, store.RedisConfig{Prefix: "{}s:"}, []string{"RedisConfig.Prefix", "hash tag"}},
		"half a hash tag":             {client, store.RedisConfig{Prefix: "{s:"}, []string{"RedisConfig.Prefix", "hash tag"}},
		"the other half":              {client, store.RedisConfig{Prefix: "s}:"}, []string{"hash tag"}},
		"a hash tag inside out":       {client, store.RedisConfig{Prefix: "}s{:"}, []string{"hash tag"}},
		"two hash tags":               {client, store.RedisConfig{Prefix: "{a}{b}"}, []string{"hash tag"}},
		"no name":                     {client, store.RedisConfig{}, []string{"RedisConfig.Name"}},
		"a name with a colon":         {client, store.RedisConfig{Name: "a:b"}, []string{"RedisConfig.Name"}},
		"a name with a brace":         {client, store.RedisConfig{Name: "{a}"}, []string{"RedisConfig.Name"}},
		"a name that is a pattern":    {client, store.RedisConfig{Name: "a*"}, []string{"RedisConfig.Name"}},
		"a name of 65 letters":        {client, store.RedisConfig{Name: strings.Repeat("a", 65)}, []string{"RedisConfig.Name"}},
		"labels among the sessions":   {client, store.RedisConfig{Prefix: "shop:"}, []string{"RedisConfig.Prefix", "told apart"}},
		"sessions among the labels":   {client, store.RedisConfig{Prefix: "shop:label:"}, []string{"RedisConfig.Prefix", "told apart"}},
		"sessions beside the labels":  {client, store.RedisConfig{Prefix: "shop:sess:"}, nil},
		"replicas":                    {client, store.RedisConfig{Replicas: 1}, nil},
		"negative replicas":           {client, store.RedisConfig{Replicas: -1}, []string{"RedisConfig.Replicas"}},
		"replicas behind a ring":      {redis.NewRing(&redis.RingOptions{}), store.RedisConfig{Replicas: 1}, []string{"RedisConfig.Replicas", "*redis.Ring"}},
		"a negative step":             {client, store.RedisConfig{ScanCount: -1}, []string{"RedisConfig.ScanCount"}},
		"all at once":                 {nil, store.RedisConfig{Prefix: "{", ScanCount: -1}, []string{"client", "RedisConfig.Name", "Prefix", "ScanCount"}},
	} {
		t.Run(name, func(t *testing.T) {
			if !slices.Contains(row.want, "RedisConfig.Name") {
				row.cfg.Name = "shop"
			}
			r, err := store.Redis(row.client, row.cfg)
			if (err == nil) != (row.want == nil) || (r == nil) != (err != nil) {
				t.Fatalf("got stores: %t and error %v, want an error: %t", r != nil, err, row.want != nil)
			}
			for _, want := range row.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not name %q", err, want)
				}
			}
		})
	}
}

func TestMemoryNamesEveryMistake(t *testing.T) {
	_, err := store.Memory(store.MemoryConfig{MaxSessions: -1, MaxValues: -1})
	for _, want := range []string{"MemoryConfig.MaxSessions", "MemoryConfig.MaxValues"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want one that names %s", err, want)
		}
	}
}

// TestTwoProgramsOnOneRedisShareNoUser: user 1 of one program is unknown to the other, although both use
// Node's prefix for their records.
func TestTwoProgramsOnOneRedisShareNoUser(t *testing.T) {
	server := miniredis.RunT(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer client.Close()
	var programs []*store.RedisStores
	for _, name := range []string{"shop", "blog"} {
		p, err := store.Redis(client, store.RedisConfig{Name: name, Tombstones: true})
		if err != nil {
			t.Fatal(err)
		}
		programs = append(programs, p)
	}
	shop, blog := programs[0], programs[1]
	ctx := t.Context()
	create(t, shop.Sessions, "id", "x")
	if err := shop.Sessions.AddLabel(ctx, "passport:1", "id", time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if ids, err := blog.Sessions.Labelled(ctx, "passport:1"); len(ids) != 0 || err != nil {
		t.Errorf("blog lists %q and error %v for user 1 of shop, want none", ids, err)
	}
	if _, _, err := shop.Counter.Add(ctx, "user 1", 5, time.Hour); err != nil {
		t.Fatal(err)
	}
	if n, _, err := blog.Counter.Add(ctx, "user 1", 1, time.Hour); n != 1 || err != nil {
		t.Errorf("blog counts %d and error %v, want 1", n, err)
	}
	if err := shop.Tokens.Put(ctx, "token", []byte("x"), time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, found, err := blog.Tokens.Take(ctx, "token"); found || err != nil {
		t.Errorf("blog takes a token of shop: %t and error %v", found, err)
	}
	if _, _, err := shop.Cells.Swap(ctx, "cell", nil, []byte("x"), time.Hour); err != nil {
		t.Fatal(err)
	}
	if v, err := blog.Cells.Load(ctx, "cell"); v != nil || err != nil {
		t.Errorf("blog loads %q and error %v, want nothing", v, err)
	}
	if _, err := shop.Sessions.End(ctx, "id", nil, "", time.Hour); err != nil {
		t.Fatal(err)
	}
	keys := server.Keys()
	for _, key := range keys {
		if !strings.HasPrefix(key, "shop:") && !strings.HasPrefix(key, "blog:") {
			t.Errorf("key %q begins with no program's name", key)
		}
	}
	if len(keys) != 6 {
		t.Errorf("keys are %q, want shop's note, label, count, token and cell, and blog's count", keys)
	}
}
