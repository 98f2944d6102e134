package store

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
)

// script is a Lua script and its SHA-1 in hexadecimal.
type script struct {
	text, hash string
	reads      bool // writes nothing
}

func newScript(text string) *script { return &script{text: text, hash: redis.NewScript(text).Hash()} }

func newReadScript(text string) *script {
	s := newScript(text)
	s.reads = true
	return s
}

// Every script names all its keys, and they lie in one slot.
var (
	// updateScript: KEYS record [note]; ARGV old new ms.
	// Answers {0} done, {1,bytes} other bytes are there, {2} no record.
	updateScript = newScript(`local v=redis.call('GET',KEYS[1])
if not v or (KEYS[2] and redis.call('EXISTS',KEYS[2])==1) then return {2} end
if v~=ARGV[1] then return {1,v} end
redis.call('SET',KEYS[1],ARGV[2],'PX',ARGV[3]) return {0}`)

	// endScript: KEYS record note label…; ARGV old|'' next|'-' ms|0 ['1' to compare with an empty old, else
	// '' [channel|'' notice [id]]]. If there is a note that names a successor, Node has written the record
	// back, and the notice says that the session goes on. The id is removed from the labels, for an end
	// without old.
	// Answers {0,note} ended, {1,bytes} other bytes are there, {2,note} no record.
	// The record is removed first: a Redis that is full refuses the note, and a user may lack the right
	// to publish. Neither must keep the record alive.
	endScript = newScript(`local x=redis.call('GET',KEYS[2])
if ARGV[2]~='-' and x==ARGV[2] then redis.call('DEL',KEYS[1]) return {0,''} end
if ARGV[1]~='' or ARGV[4]=='1' then local v=redis.call('GET',KEYS[1])
if not v or x then return {2,x or ''} end
if v~=ARGV[1] then return {1,v} end end
local n=redis.call('DEL',KEYS[1])
if n==1 and ARGV[5] and ARGV[5]~='' then redis.pcall('PUBLISH',ARGV[5],(x and x~='-') and 'm'..string.sub(ARGV[6],2) or ARGV[6]) end
for i=3,#KEYS do redis.pcall('ZREM',KEYS[i],ARGV[7]) end
if ARGV[3]~='0' and not x then redis.call('SET',KEYS[2],ARGV[2],'PX',ARGV[3]) end
return {n==1 and 0 or 2,x or ''}`)

	// readScript: KEYS record [note]. A script always runs on the master, never in a client-side
	// cache.
	readScript = newReadScript(`return redis.call('MGET',unpack(KEYS))`)
)

// Replies of updateScript and endScript.
const (
	answerDone     = 0
	answerConflict = 1
	answerAbsent   = 2
)

// resend says whether go-redis may send a command again after a lost reply. The first copy may be delayed
// in the network and executed at any later moment, so only commands that create nothing may be sent again:
//
//	GET, MGET, ZRANGEBYSCORE, readScript, loadScript, listScript, SCAN, CLUSTER   read only
//	DEL, UNLINK                removes a record; an id is never used again
//	ZREM                       an entry of a record that is gone, for the same reason
//	endScript without old      removes; the note has the result for an id that has ended
//	PUBLISH                    a notice may come twice
//
// Everything else is sent once, and after an error the caller does not know whether it
// was executed:
//
//	SET NX, createScript       would bring back a session that was ended (S2)
//	updateScript, largeScript, endScript with old    the caller reads again and recognises its own write (S3, S4)
//	addScript                  would bring back an entry, or an earlier deadline
//	SET of a token             would bring back a token that was taken
//	GETDEL                     the second copy would find nothing, and the value would be lost
//	countScript                would count twice
//	swapScript                 the second copy would not find what the first has replaced
type resend bool

const (
	mayResend resend = true
	sendOnce  resend = false
)

// command returns the arguments of EVALSHA with the script's hash, or of EVAL with its text, for the call
// c.
func (*script) command(name, which string, c scriptCall) []any {
	list := make([]any, 0, 3+len(c.keys)+len(c.args))
	list = append(list, name, which, len(c.keys))
	for _, k := range c.keys {
		list = append(list, k)
	}
	return append(list, c.args...)
}

// run executes a script by its hash, and by its text if the server does not have the script. The first call
// was not executed then, so the script runs only once.
func (s *sender) run(ctx context.Context, again resend, script *script, keys []string, args ...any) (*redis.Cmd, error) {
	list := script.command("evalsha", script.hash, scriptCall{keys, args})
	written := keys[0]
	if script.reads {
		written = ""
	}
	cmd, err := s.exec(ctx, again, written, list)
	if err != nil && noScript(err) {
		list[0], list[1] = "eval", script.text
		cmd, err = s.exec(ctx, again, written, list)
	}
	return cmd, err
}

// noScript reports whether the server does not have the script, and so did not execute it.
func noScript(err error) bool { return strings.HasPrefix(err.Error(), "NOSCRIPT") }

// execAll runs cmds as one pipeline, under load together with others. The error of a single command is in
// that command. If all may be sent again and their batch fails, they are sent again alone, as by exec: cmds
// then has the new commands.
func (s *sender) execAll(ctx context.Context, again resend, cmds []command) error {
	if s.batches != nil {
		n := s.load.InFlight.Add(1)
		defer s.load.InFlight.Add(-1)
		if n >= s.load.From || s.load.Stays.Load() > 0 {
			s.load.Joined(n)
			err := s.batches.runAll(ctx, cmds)
			failed := func(cmd command) bool { return cmd.Err() != nil && !errors.Is(cmd.Err(), redis.Nil) }
			if err != nil || again == sendOnce || !slices.ContainsFunc(cmds, failed) {
				return err
			}
			for i, cmd := range cmds {
				cmds[i] = redis.NewCmd(ctx, cmd.Args()...)
			}
		}
	}
	return s.sendAll(ctx, cmdersOf(cmds))
}

// exec runs a command, under load together with others. If replicas are to confirm its write, written is
// the key that it writes; else it is empty.
func (s *sender) exec(ctx context.Context, again resend, written string, args []any) (*redis.Cmd, error) {
	cmd := redis.NewCmd(ctx, args...)
	var c command = cmd
	if again == sendOnce {
		c = once{cmd}
	}
	if s.replicas > 0 && written != "" {
		return cmd, s.confirmed(ctx, written, c)
	}
	if s.batches != nil {
		n := s.load.InFlight.Add(1)
		defer s.load.InFlight.Add(-1)
		if n >= s.load.From || s.load.Stays.Load() > 0 {
			s.load.Joined(n)
			err := s.batches.run(ctx, c)
			if err == nil || again == sendOnce || noScript(err) || errors.Is(err, redis.Nil) {
				return cmd, err
			}
			cmd = redis.NewCmd(ctx, args...) // as with reads: alone, with go-redis's retries and its own error
			c = cmd
		}
	}
	err := s.send(ctx, c)
	if err == nil {
		err = answered(cmd, nil)
	}
	return cmd, err
}
