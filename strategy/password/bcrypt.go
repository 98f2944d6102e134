package password

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"github.com/seed-6f34412b/passport/strategy/password/limit"
)

// Bcrypt is the Hasher of the bcrypt hashes that Node's bcrypt and bcryptjs, PHP and
// most others store: $2a$, $2b$ and $2y$. It makes $2a$, which all of them read. The
// zero value can be used; it must not be copied after first use.
//
// bcrypt uses at most 72 bytes of a password and nothing after a NUL. So for a longer
// one, or one with a NUL, Hash returns ErrUnhashable and Verify refuses.
type Bcrypt struct {
	// Cost is the binary logarithm of the rounds, 10 to 16; zero means 12, a quarter of
	// a second. A stored hash of a lower cost needs a rehash.
	Cost int
	// MaxCost is the highest cost of a stored hash that is still computed; zero means 15,
	// some two seconds; at most 18. It is never lower than Cost.
	MaxCost int
	// InsecureFast admits a Cost from 4. It is for tests.
	InsecureFast bool
	// AllowTruncated lets Verify compare only the first 72 bytes of a longer password, as
	// Node's bcrypt does silently. Without it users with such passwords must reset them.
	AllowTruncated bool
	// Limit limits how many hashes run at once; nil means a new one with the defaults.
	Limit *limit.Limit

	own limit.Limit
}

var _ Hasher = (*Bcrypt)(nil)

const (
	defaultBcryptCost    = 12
	defaultBcryptMaxCost = 15
	leastBcryptCost      = 10 // the minimum of OWASP's Password Storage Cheat Sheet
	mostBcryptCost       = 16 // takes four seconds
	mostBcryptMaxCost    = 18
	// bcryptMaxLen is how many bytes of a password bcrypt uses: 18 words of key schedule.
	bcryptMaxLen = 72
)

// Hash implements [Hasher].
func (b *Bcrypt) Hash(ctx context.Context, password string) (string, error) {
	if len(password) > bcryptMaxLen {
		return "", fmt.Errorf("%w: bcrypt takes at most 72 bytes", ErrUnhashable)
	}
	if strings.Contains(password, "\x00") {
		return "", fmt.Errorf("%w: bcrypt takes no NUL", ErrUnhashable)
	}
	if err := b.check(); err != nil {
		return "", err
	}
	var hash []byte
	var err error
	if refused := b.bound().DoLowPriority(ctx, func() uint64 {
		hash, err = bcrypt.GenerateFromPassword([]byte(password), b.cost())
		return 1 << b.cost()
	}); refused != nil {
		return "", refused
	}
	if err != nil {
		return "", fmt.Errorf("password: bcrypt: hash: %w", err)
	}
	return string(hash), nil
}

// Verify implements [Hasher]. A wrong password costs as much with a stored hash of a
// lower cost as with one of the current cost; a hash of a higher cost takes longer.
func (b *Bcrypt) Verify(ctx context.Context, hash, password string) error {
	if err := b.check(); err != nil {
		return err
	}
	possible := !strings.Contains(password, "\x00")
	if len(password) > bcryptMaxLen {
		password = password[:bcryptMaxLen]
		possible = possible && b.AllowTruncated
	}
	compared := hash
	cost, readable := b.parse(hash)
	if !readable {
		cost = b.cost()
		compared = fmt.Sprintf(noBcryptHash, cost)
	}
	match := false
	err := b.bound().Do(ctx, func() uint64 {
		match = bcrypt.CompareHashAndPassword([]byte(compared), []byte(password)) == nil && possible && readable
		work := uint64(1) << cost
		// After a mismatch at cost c follow hashes at c, c+1 and so on below the current cost: 2^c + 2^c +
		// 2^(c+1) + … + 2^(cost-1) = 2^cost, the work for an unknown user.
		for c := cost; c < b.cost() && !match; c++ {
			_ = bcrypt.CompareHashAndPassword(fmt.Appendf(nil, noBcryptHash, c), []byte(password))
			work += 1 << c
		}
		return work
	})
	if err != nil {
		return err
	}
	return verdict(match, readable, hash)
}

// noBcryptHash has the form of a hash, for work whose result is not used.
const noBcryptHash = "$2a$%02d$....................................................."

// Reads implements [Hasher].
func (b *Bcrypt) Reads(hash string) bool {
	_, ok := b.parse(hash)
	return ok
}

// NeedsRehash implements [Hasher].
func (b *Bcrypt) NeedsRehash(hash string) bool {
	cost, ok := b.parse(hash)
	return !ok || cost < b.cost()
}

// Stats says how many hashes run, wait, were made and were refused.
func (b *Bcrypt) Stats() limit.Stats { return b.bound().Stats() }

func (b *Bcrypt) cost() int {
	if b.Cost == 0 {
		return defaultBcryptCost
	}
	return b.Cost
}

// check returns the mistakes in b's fields. [NewCheck] calls it.
func (b *Bcrypt) check() error {
	var mistakes []error
	least := leastBcryptCost
	if b.InsecureFast {
		least = bcrypt.MinCost
	}
	if cost := b.cost(); cost < least || cost > mostBcryptCost {
		mistakes = append(mistakes, fmt.Errorf("password: bcrypt: Cost is %d: give %d to %d, or 0 for %d", cost, least, mostBcryptCost, defaultBcryptCost))
	}
	if b.MaxCost < 0 || b.MaxCost > mostBcryptMaxCost {
		mistakes = append(mistakes, fmt.Errorf("password: bcrypt: MaxCost is %d: a stored hash could keep a core busy for minutes: give at most %d, or 0 for %d", b.MaxCost, mostBcryptMaxCost, defaultBcryptMaxCost))
	}
	return errors.Join(append(mistakes, b.Limit.Check())...)
}

func (b *Bcrypt) bound() *limit.Limit {
	if b.Limit != nil {
		return b.Limit
	}
	return &b.own
}

// parse returns the cost of a hash that may be computed. It does not accept $2$, which has no NUL at the
// end, and $2x$, which marks the hashes of a faulty implementation.
func (b *Bcrypt) parse(hash string) (cost int, ok bool) {
	const length = len("$2a$12$") + 22 + 31
	if len(hash) != length || hash[:2] != "$2" || strings.IndexByte("aby", hash[2]) < 0 || hash[3] != '$' || hash[6] != '$' {
		return 0, false
	}
	tens, ones := hash[4]-'0', hash[5]-'0'
	if tens > 9 || ones > 9 {
		return 0, false
	}
	for i := 7; i < length; i++ {
		switch c := hash[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '.' <= c && c <= '9':
		default:
			return 0, false
		}
	}
	most := b.MaxCost
	if most == 0 {
		most = defaultBcryptMaxCost
	}
	cost = int(tens)*10 + int(ones)
	return cost, cost >= bcrypt.MinCost && cost <= min(max(most, b.cost()), bcrypt.MaxCost)
}
