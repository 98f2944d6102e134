-- The tables, for SQLite and PostgreSQL. Times are seconds, except where it says so.
CREATE TABLE IF NOT EXISTS users (
  id      TEXT PRIMARY KEY,
  email   TEXT NOT NULL UNIQUE, -- in the spelling of strategy.AccountName, and proved by a mail
  name    TEXT NOT NULL,
  role    TEXT NOT NULL,        -- user or admin
  hash    TEXT NOT NULL,        -- of the password; empty for none
  stamp   TEXT NOT NULL,        -- random, and new with each password: sessions end when it changes
  created BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS authenticators ( -- totp.SQLTable; its time is milliseconds
  owner          TEXT PRIMARY KEY REFERENCES users ON DELETE CASCADE,
  app            TEXT NOT NULL,
  app_since      BIGINT NOT NULL,
  new_app        TEXT NOT NULL,
  recovery_codes TEXT NOT NULL,
  codes_left     BIGINT NOT NULL,
  new_codes      TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS passkeys ( -- passkey.SQLTable; its times are milliseconds
  id         TEXT PRIMARY KEY,
  owner      TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
  name       TEXT NOT NULL,
  sign_count BIGINT NOT NULL,
  backed_up  BIGINT NOT NULL,
  last_used  BIGINT NOT NULL,
  created    BIGINT NOT NULL,
  credential TEXT NOT NULL,
  UNIQUE (owner, id)
);
CREATE TABLE IF NOT EXISTS identities ( -- oidc.SQLTable; its time is milliseconds
  issuer  TEXT NOT NULL,
  subject TEXT NOT NULL,
  owner   TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
  name    TEXT NOT NULL,
  created BIGINT NOT NULL,
  PRIMARY KEY (issuer, subject),
  UNIQUE (owner, issuer, subject)
);
CREATE TABLE IF NOT EXISTS api_keys ( -- apikey.SQLTable; its times are milliseconds
  id      TEXT PRIMARY KEY,
  owner   TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
  hash    TEXT NOT NULL,
  name    TEXT NOT NULL,
  scopes  TEXT NOT NULL,
  created BIGINT NOT NULL,
  expires BIGINT NOT NULL,
  used    BIGINT NOT NULL,
  UNIQUE (owner, name)
);
CREATE TABLE IF NOT EXISTS audit (
  at       BIGINT NOT NULL,
  admin_id TEXT NOT NULL,
  user_id  TEXT NOT NULL,
  what     TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS audit_user ON audit (user_id, at);
