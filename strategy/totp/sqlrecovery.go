package totp

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-6f34412b/passport/strategy/internal/sqltable"
)

// BeginRecoveryCodes makes ten codes, in place of those that wait, for one hour. The former ones count until
// [SQLTable.ConfirmRecoveryCodes].
func (t *SQLTable) BeginRecoveryCodes(ctx context.Context, owner string) error {
	codes, _ := NewRecoveryCodes(10)
	stored := t.sealWaiting("new_codes", owner, []byte(strings.Join(codes, " ")))
	if err := t.set(ctx, owner, `new_codes`, stored); err != nil {
		return fmt.Errorf("totp: begin recovery codes: %w", err)
	}
	return nil
}

// BegunRecoveryCodes returns the codes that wait, for the page that shows them until their user has saved
// them. It returns none if none wait.
func (t *SQLTable) BegunRecoveryCodes(ctx context.Context, owner string) ([]string, error) {
	codes, _, err := t.begunCodes(ctx, owner)
	return codes, err
}

// begunCodes is BegunRecoveryCodes. It returns the codes also as the table has them.
func (t *SQLTable) begunCodes(ctx context.Context, owner string) (codes []string, stored string, err error) {
	list, err := sqltable.Rows(ctx, t.table, func(rows *sql.Rows) (s string, err error) {
		err = rows.Scan(&s)
		return s, err
	}, `SELECT new_codes FROM {table} WHERE owner = $1`, owner)
	if err != nil {
		return nil, "", fmt.Errorf("totp: read the table: %w", err)
	}
	stored = append(list, "")[0]
	text, ok, err := t.openWaiting("new_codes", owner, stored)
	if !ok {
		return nil, "", err
	}
	return strings.Fields(string(text)), stored, nil
}

// ConfirmRecoveryCodes replaces the owner's codes by those that wait, if code is one of them: a field of the
// page that shows them, or what the user types to show that they are saved. The error is [ErrNotBegun] if it
// counts already, and wraps strategy.ErrUnauthenticated if it was replaced or has ended.
func (t *SQLTable) ConfirmRecoveryCodes(ctx context.Context, owner, code string) error {
	sent, _ := HashRecoveryCode(code)
	for {
		codes, stored, err := t.begunCodes(ctx, owner)
		if err != nil {
			return err
		}
		if stored == "" {
			if r, err := t.row(ctx, owner); err != nil || !slices.Contains(strings.Fields(r.codes), sent) {
				return cmp.Or(err, errBadCode)
			}
			return ErrNotBegun
		}
		hashes := make([]string, len(codes))
		for i, c := range codes {
			hashes[i], _ = HashRecoveryCode(c)
		}
		if !slices.Contains(hashes, sent) {
			return errBadCode
		}
		n, err := t.table.Exec(ctx, `UPDATE {table} SET recovery_codes = $1, codes_left = $2, new_codes = ''
			WHERE owner = $3 AND new_codes = $4`, strings.Join(hashes, " "), len(hashes), owner, stored)
		if err != nil {
			return fmt.Errorf("totp: confirm recovery codes: %w", err)
		}
		if n > 0 {
			return nil
		}
		// Another call has confirmed them, or begun anew.
	}
}

// UseRecoveryCode is for [Config]. After an outage the code may be used up.
func (t *SQLTable) UseRecoveryCode(ctx context.Context, owner, hash string) (bool, error) {
	for {
		r, err := t.row(ctx, owner)
		if err != nil {
			return false, err
		}
		hashes := strings.Fields(r.codes)
		at := slices.Index(hashes, hash)
		if at < 0 {
			return false, nil
		}
		hashes = slices.Delete(hashes, at, at+1)
		n, err := t.table.Exec(ctx, `UPDATE {table} SET recovery_codes = $1, codes_left = $2
			WHERE owner = $3 AND recovery_codes = $4`, strings.Join(hashes, " "), len(hashes), owner, r.codes)
		if err != nil {
			return false, fmt.Errorf("totp: recovery code: %w", err)
		}
		if n > 0 {
			return true, nil
		}
	}
}
