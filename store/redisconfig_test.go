package store_test

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/store"
)

func TestNewRedisNamesEveryMistake(t *testing.T) {
	client := redis.NewClient(&redis.Options{})
	defer client.Close()
	for name, row := range map[string]struct {
		client store.RedisClient
		cfg    store.RedisConfig
		want   []string
	}{
		"the zero config":              {client, store.RedisConfig{}, nil},
		"a hash tag":                   {client, store.RedisConfig{Prefix: "{app}:s:", Tombstones: true}, nil},
		"a cluster":                    {redis.NewClusterClient(&redis.ClusterOptions{}), store.RedisConfig{}, nil},
		"no client":                    {nil, store.RedisConfig{}, []string{"client is nil"}},
		"a nil pointer":                {(*redis.Client)(nil), store.RedisConfig{}, []string{"client is nil"}},
		"a nil client for reads":       {client, store.RedisConfig{Reads: (*redis.Ring)(nil)}, []string{"RedisConfig.Reads"}},
		"a nil client for a pipeline":  {client, store.RedisConfig{Pipeline: (*redis.AutoPipeliner)(nil)}, []string{"RedisConfig.Pipeline"}},
		"no prefix":                    {client, store.RedisConfig{NoPrefix: true}, nil},
		"no prefix with tombstones":    {client, store.RedisConfig{NoPrefix: true, Tombstones: true}, []string{"Tombstones needs a Prefix"}},
		"a prefix beside no prefix":    {client, store.RedisConfig{NoPrefix: true, Prefix: "s:"}, []string{"beside NoPrefix"}},
		"an empty hash tag":            {client, store.RedisConfig{Prefix: "{}s:"}, []string{"RedisConfig.Prefix", "hash tag"}},
		"half a hash tag":              {client, store.RedisConfig{Prefix: "{s:"}, []string{"RedisConfig.Prefix", "hash tag"}},
		"the other half":               {client, store.RedisConfig{Prefix: "s}:"}, []string{"hash tag"}},
		"a hash tag inside out":        {client, store.RedisConfig{Prefix: "}s{:"}, []string{"hash tag"}},
		"two hash tags":                {client, store.RedisConfig{Prefix: "{a}{b}"}, []string{"hash tag"}},
		"labels among the sessions":    {client, store.RedisConfig{IndexPrefix: "sess:labels:"}, []string{"RedisConfig.IndexPrefix", "begins with"}},
		"labels by default among them": {client, store.RedisConfig{Prefix: "label"}, []string{"RedisConfig.IndexPrefix"}},
		"half a tag for the labels":    {client, store.RedisConfig{IndexPrefix: "{l"}, []string{"RedisConfig.IndexPrefix", "hash tag"}},
		"replicas":                     {client, store.RedisConfig{Replicas: 1}, nil},
		"negative replicas":            {client, store.RedisConfig{Replicas: -1}, []string{"RedisConfig.Replicas"}},
		"replicas behind a ring":       {redis.NewRing(&redis.RingOptions{}), store.RedisConfig{Replicas: 1}, []string{"RedisConfig.Replicas", "*redis.Ring"}},
		"a negative step":              {client, store.RedisConfig{ScanCount: -1}, []string{"RedisConfig.ScanCount"}},
		"all at once":                  {nil, store.RedisConfig{Prefix: "{", IndexPrefix: "}", ScanCount: -1}, []string{"client", "Prefix", "IndexPrefix", "ScanCount"}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := store.NewRedis(row.client, row.cfg)
			if (err == nil) != (row.want == nil) || (r == nil) != (err != nil) {
				t.Fatalf("got a store: %t and error %v, want an error: %t", r != nil, err, row.want != nil)
			}
			for _, want := range row.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not name %q", err, want)
				}
			}
		})
	}
}

func TestNewMemoryRefusesANegativeBound(t *testing.T) {
	if _, err := store.NewMemory(store.MemoryConfig{MaxSessions: -1}); err == nil || !strings.Contains(err.Error(), "MemoryConfig.MaxSessions") {
		t.Errorf("NewMemory: got error %v, want one that names MaxSessions", err)
	}
	if _, err := store.NewMemoryTokens(store.MemoryTokensConfig{MaxTokens: -1}); err == nil || !strings.Contains(err.Error(), "MemoryTokensConfig.MaxTokens") {
		t.Errorf("NewMemoryTokens: got error %v, want one that names MaxTokens", err)
	}
}

func TestNewRedisCounterAndTokensNameMistakes(t *testing.T) {
	client := redis.NewClient(&redis.Options{})
	defer client.Close()
	for name, row := range map[string]struct {
		client store.RedisClient
		cfg    store.RedisKeysConfig
		want   string
	}{
		"no client":       {nil, store.RedisKeysConfig{}, "client is nil"},
		"half a hash tag": {client, store.RedisKeysConfig{Prefix: "{c:"}, "RedisKeysConfig.Prefix"},
	} {
		_, counter := store.NewRedisCounter(row.client, row.cfg)
		_, tokens := store.NewRedisTokens(row.client, row.cfg)
		for _, err := range []error{counter, tokens} {
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("%s: got error %v, want one that says %q", name, err, row.want)
			}
		}
	}
}
