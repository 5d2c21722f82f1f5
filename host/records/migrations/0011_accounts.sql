-- Who may: people, their roles, and what they show instead of a name. Of every secret only its SHA-256 is here; passwords
-- are argon2id.

CREATE TABLE users (
    id           TEXT PRIMARY KEY,
    -- What they type to sign in, in lower case.
    login        TEXT NOT NULL,
    name         TEXT NOT NULL,
    language     TEXT NOT NULL,
    -- NULL: they have not chosen one yet, or sign in elsewhere.
    password     TEXT,
    -- Base32; NULL: no second factor. It counts once `totp_on` is 1.
    totp         TEXT,
    totp_on      BIGINT NOT NULL DEFAULT 0,
    -- The last time step whose code was taken: no code is taken twice.
    totp_step    BIGINT NOT NULL DEFAULT 0,
    -- `issuer subject` of the OpenID provider they come from.
    openid       TEXT,
    disabled_ms  BIGINT,
    created_ms   BIGINT NOT NULL,
    updated_ms   BIGINT NOT NULL,
    signed_in_ms BIGINT
);
CREATE UNIQUE INDEX users_login ON users (login);
CREATE UNIQUE INDEX users_openid ON users (openid) WHERE openid IS NOT NULL;

-- `clinic` is an id, or `*` for every clinic of the server.
CREATE TABLE user_roles (
    user_id TEXT NOT NULL REFERENCES users (id),
    clinic  TEXT NOT NULL,
    role    TEXT NOT NULL,
    PRIMARY KEY (user_id, clinic, role)
);

CREATE TABLE recovery_codes (
    user_id TEXT NOT NULL REFERENCES users (id),
    hash    TEXT NOT NULL,
    used_ms BIGINT,
    PRIMARY KEY (user_id, hash)
);

CREATE TABLE sessions (
    hash       TEXT PRIMARY KEY,
    id         TEXT NOT NULL,
    user_id    TEXT NOT NULL REFERENCES users (id),
    csrf       TEXT NOT NULL,
    -- The clinic that was chosen.
    clinic     TEXT,
    -- The browser, as it calls itself.
    agent      TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    seen_ms    BIGINT NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);

CREATE TABLE api_tokens (
    id           TEXT PRIMARY KEY,
    hash         TEXT NOT NULL,
    -- Whose token it is: it may never do more than they may now.
    user_id      TEXT NOT NULL REFERENCES users (id),
    name         TEXT NOT NULL,
    -- JSON lists; no clinics: wherever its owner may.
    scopes       TEXT NOT NULL,
    clinics      TEXT NOT NULL,
    created_ms   BIGINT NOT NULL,
    expires_ms   BIGINT,
    last_used_ms BIGINT,
    revoked_ms   BIGINT
);
CREATE UNIQUE INDEX api_tokens_hash ON api_tokens (hash);
CREATE INDEX api_tokens_user ON api_tokens (user_id);

-- One-time links: the first owner, an invitation, a new password.
CREATE TABLE account_links (
    hash       TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,
    user_id    TEXT REFERENCES users (id),
    made_by    TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    used_ms    BIGINT
);

-- Wrong passwords and codes, by the hash of the login or of the address.
CREATE TABLE failed_sign_ins (
    subject  TEXT PRIMARY KEY,
    failures BIGINT NOT NULL,
    last_ms  BIGINT NOT NULL
);

-- What was answered to a request that must not be done twice.
CREATE TABLE idempotent_answers (
    -- Hash of who asked and the key they gave.
    subject TEXT PRIMARY KEY,
    -- Hash of method, address and body.
    request TEXT NOT NULL,
    -- NULL: it is being worked on.
    status  BIGINT,
    body    TEXT,
    at_ms   BIGINT NOT NULL
);
CREATE INDEX idempotent_answers_age ON idempotent_answers (at_ms);
