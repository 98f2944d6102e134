package policy

import (
	"context"
	_ "embed" // for the list of common passwords
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Policy says which passwords may be chosen, at a registration, a change or a reset;
// never at a log-in. It requires length and refuses what is guessed first: the 3,000 most
// common passwords of eight and more characters, which are built in, and what consists of
// common words, names, rows of keys and repetitions. It has no rules of composition (a
// digit, a capital), which NIST SP 800-63B-4 §3.1.1.2 and OWASP ASVS 5.0, 6.2.5 forbid:
// they make passwords similar. It is made by [New], and safe for concurrent use.
type Policy struct {
	cfg    Config
	words  wordList
	common map[string]bool // whole passwords, in the form that unrepeated returns
}

// Config is what [New] needs. The zero value suits passwords that are the
// only factor, stored by password.Bcrypt.
type Config struct {
	// MinLength is the least number of Unicode code points. Zero means 15, what NIST
	// SP 800-63B-4 §3.1.1.2 asks for if the password is the only factor; if it is
	// one of several, 8 is enough. Less than 8 is a mistake.
	MinLength int
	// MaxLength is the largest number of code points; zero means no other bound than
	// MaxBytes. Less than 64 is a mistake (OWASP ASVS 5.0, 6.2.9).
	MaxLength int
	// MaxBytes is the largest number of bytes in UTF-8. Zero means 72, what Bcrypt can
	// hold; with Argon2id, 1024 is a good choice.
	MaxBytes int
	// Blocklist has more words that a password must not consist of, such as the name of the
	// application.
	Blocklist []string
	// Breached, if not nil, is called for passwords that pass every other rule.
	Breached BreachChecker
}

// Rule is a rule of Policy that a password can break.
type Rule string

// The rules of Policy, in the order in which they are checked.
const (
	RuleText     Rule = "text"     // it is not UTF-8, or has a NUL
	RuleTooShort Rule = "short"    // it has fewer code points than Config.MinLength
	RuleTooLong  Rule = "long"     // it has more than MaxLength or MaxBytes
	RuleCommon   Rule = "common"   // it consists of what is guessed first
	RuleBreached Rule = "breached" // the BreachChecker knows it
)

// Error is returned by [Policy.Check] for a password that breaks a rule. It never
// contains the password. Text is for the person who chose it.
type Error struct {
	Rule  Rule
	Limit int  // the bound that was broken, of RuleTooShort and RuleTooLong
	Bytes bool // Limit counts bytes, not code points
}

// Error implements error.
func (e *Error) Error() string {
	const text = "policy: "
	switch e.Rule {
	case RuleTooShort:
		return fmt.Sprintf(text+"the password is shorter than %d characters", e.Limit)
	case RuleTooLong:
		unit := "characters"
		if e.Bytes {
			unit = "bytes"
		}
		return fmt.Sprintf(text+"the password is longer than %d %s", e.Limit, unit)
	case RuleCommon:
		return text + "the password is easy to guess"
	case RuleBreached:
		return text + "the password is known from a data breach"
	}
	return text + "the password is not plain text"
}

// Text says in one English sentence what to do. For other languages use Rule, Limit and
// Bytes.
func (e *Error) Text() string {
	switch e.Rule {
	case RuleTooShort:
		return fmt.Sprintf("Use at least %d characters. A few words that have nothing to do with each other are a good choice.", e.Limit)
	case RuleTooLong:
		if e.Bytes {
			return fmt.Sprintf("Use fewer characters: at most %d, or half as many of a script other than Latin.", e.Limit)
		}
		return fmt.Sprintf("Use at most %d characters.", e.Limit)
	case RuleCommon:
		return "This password is easy to guess. Choose words and signs that are not your name or address, and not common passwords."
	case RuleBreached:
		return "This password was stolen from another site and is on lists that attackers try. Choose another one."
	}
	return "This password has signs that cannot be used. Choose another one."
}

//go:embed common.txt
var commonWords string

//go:embed passwords.txt
var commonPasswords string

// New returns the policy that cfg describes. It returns every mistake at once.
func New(cfg Config) (*Policy, error) {
	if cfg.MinLength == 0 {
		cfg.MinLength = 15
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = 72
	}
	if cfg.MaxLength == 0 {
		cfg.MaxLength = cfg.MaxBytes
	}
	var mistakes []error
	if cfg.MinLength < 8 {
		mistakes = append(mistakes, fmt.Errorf("policy: new: MinLength is %d: give at least 8, or 0 for 15", cfg.MinLength))
	}
	if cfg.MaxLength < max(64, cfg.MinLength) {
		mistakes = append(mistakes, fmt.Errorf("policy: new: MaxLength is %d: give at least 64 and MinLength, or 0 for no bound", cfg.MaxLength))
	}
	if cfg.MaxBytes < 64 {
		mistakes = append(mistakes, fmt.Errorf("policy: new: MaxBytes is %d: give at least 64, or 0 for 72", cfg.MaxBytes))
	}
	if mistakes != nil {
		return nil, errors.Join(mistakes...)
	}
	p := &Policy{cfg: cfg, words: wordList{}, common: make(map[string]bool, 4000)}
	for word := range strings.Lines(commonWords) {
		p.words.add(strings.TrimSpace(word))
	}
	for line := range strings.Lines(commonPasswords) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") {
			p.common[unrepeated(line)] = true
		}
	}
	for _, word := range cfg.Blocklist {
		p.words.add(word)
	}
	return p, nil
}

// Check returns nil if password may be chosen, a [*Error] that names the first rule it
// breaks, or the error of the BreachChecker, wrapped. about has words about the person:
// address, name, login. They count as common.
func (p *Policy) Check(ctx context.Context, password string, about ...string) error {
	length := utf8.RuneCountInString(password)
	switch {
	case !utf8.ValidString(password) || strings.Contains(password, "\x00"):
		return &Error{Rule: RuleText}
	case length < p.cfg.MinLength:
		return &Error{Rule: RuleTooShort, Limit: p.cfg.MinLength}
	case length > p.cfg.MaxLength:
		return &Error{Rule: RuleTooLong, Limit: p.cfg.MaxLength}
	case len(password) > p.cfg.MaxBytes:
		return &Error{Rule: RuleTooLong, Limit: p.cfg.MaxBytes, Bytes: true}
	case p.common[unrepeated(password)], unguessable(password, p.words, personal(about)) < p.cfg.MinLength/2:
		return &Error{Rule: RuleCommon}
	}
	if p.cfg.Breached == nil {
		return nil
	}
	breached, err := p.cfg.Breached.Breached(ctx, password)
	if err != nil {
		return fmt.Errorf("policy: breach check: %w", err)
	}
	if breached {
		return &Error{Rule: RuleBreached}
	}
	return nil
}
