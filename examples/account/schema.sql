-- The tables, for SQLite and PostgreSQL. Bytes are base64 in them, times are seconds, except where it says so.
CREATE TABLE IF NOT EXISTS users (
  id                TEXT PRIMARY KEY,
  email             TEXT NOT NULL UNIQUE, -- in the spelling of strategy.AccountName, and proved by a mail
  name              TEXT NOT NULL,
  role              TEXT NOT NULL,        -- user or admin
  hash              TEXT NOT NULL,        -- of the password; empty for none
  stamp             TEXT NOT NULL,        -- random, and new with each password: sessions end when it changes
  handle            TEXT NOT NULL UNIQUE, -- how authenticators know the user, for ever
  authenticator     TEXT NOT NULL,        -- the app's key, encrypted; empty for none
  app_since         BIGINT NOT NULL,      -- when it was confirmed
  authenticator_new TEXT NOT NULL,        -- shown, and not yet confirmed by a code
  created           BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS recovery_codes (
  user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
  hash    TEXT NOT NULL,
  PRIMARY KEY (user_id, hash)
);
CREATE TABLE IF NOT EXISTS passkeys (
  id         TEXT PRIMARY KEY,
  user_id    TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
  name       TEXT NOT NULL,
  sign_count BIGINT NOT NULL,             -- this and the next one change at each use
  used       TEXT NOT NULL,               -- as JSON
  credential TEXT NOT NULL,               -- the rest, as JSON
  created    BIGINT NOT NULL              -- in milliseconds
);
CREATE TABLE IF NOT EXISTS identities (
  issuer  TEXT NOT NULL,
  subject TEXT NOT NULL,
  user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
  name    TEXT NOT NULL,
  PRIMARY KEY (issuer, subject)
);
CREATE TABLE IF NOT EXISTS api_keys (
  id      TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
  hash    TEXT NOT NULL,
  name    TEXT NOT NULL,
  created BIGINT NOT NULL,
  expires BIGINT NOT NULL,
  used    BIGINT NOT NULL,
  UNIQUE (user_id, name)                  -- or a double click would make two
);
CREATE TABLE IF NOT EXISTS email_changes (
  user_id TEXT PRIMARY KEY REFERENCES users ON DELETE CASCADE,
  id      TEXT NOT NULL,
  email   TEXT NOT NULL,
  old_ok  BIGINT NOT NULL,                -- confirmed at the old address
  new_ok  BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS audit (
  at       BIGINT NOT NULL,
  admin_id TEXT NOT NULL,
  user_id  TEXT NOT NULL,
  what     TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS audit_user ON audit (user_id, at);
