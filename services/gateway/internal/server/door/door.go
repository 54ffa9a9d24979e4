// Package door knows who stands at the front door: it turns API keys into tokens
// of our own, gives members without roles in their token the roles they have
// here, and keeps the people of a suspended tenant out.
//
// What it has found out holds for 30 seconds: so long does a key work on that was
// revoked at another gateway, or a tenant that was suspended there. Behind the
// door services verify tokens only.
package door

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/apikey"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/role"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/store"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/tenant"
)

const (
	// trustFor is how long what was found out holds.
	trustFor = 30 * time.Second
	// tokenLife is how long a minted token lasts: a call begun at the end of
	// trustFor has the rest for what it calls in turn.
	tokenLife = time.Minute
	// remembered is how many keys and users are kept in mind.
	remembered = 8192
	// pendingUses is how many uses wait to be noted; more are dropped.
	pendingUses = 1024
)

// Keeper answers who shows a token. It is safe for concurrent use.
type Keeper struct {
	db       *postgres.DB
	verifier *auth.Verifier
	issuer   *auth.Issuer
	now      func() time.Time
	log      *slog.Logger

	keys  *lru.Cache[[sha256.Size]byte, knownKey]
	users *lru.Cache[user, knownUser]
	uses  chan use
}

// knownKey is an API key that was looked for; one without a token is none.
type knownKey struct {
	found  *store.FoundKey
	caller auth.Caller
	until  time.Time
}

type user struct {
	tenant  uuid.UUID
	subject string
}

// knownUser is how a user stands in its tenant.
type knownUser struct {
	standing store.Standing
	token    string
	until    time.Time
}

type use struct {
	tenant, key uuid.UUID
	at          time.Time
}

// New makes a keeper. Now is the clock by which keys end.
func New(db *postgres.DB, verifier *auth.Verifier, issuer *auth.Issuer, now func() time.Time, log *slog.Logger) (*Keeper, error) {
	keys, err := lru.New[[sha256.Size]byte, knownKey](remembered)
	if err != nil {
		return nil, err
	}
	users, err := lru.New[user, knownUser](remembered)
	if err != nil {
		return nil, err
	}
	return &Keeper{db: db, verifier: verifier, issuer: issuer, now: now, log: log,
		keys: keys, users: users, uses: make(chan use, pendingUses)}, nil
}

var (
	errKey       = errs.Unauthenticated("TOKEN_INVALID", "the token is not valid")
	errExpired   = errs.Unauthenticated("TOKEN_EXPIRED", "the token has expired")
	errSuspended = errs.Denied("TENANT_SUSPENDED", "this tenant is suspended: ask whoever runs the installation")
)

// Authenticate answers who shows the token: an API key, or a JWT of a trusted
// issuer.
func (k *Keeper) Authenticate(ctx context.Context, token string) (auth.Caller, error) {
	if strings.HasPrefix(token, apikey.Prefix) {
		return k.byKey(ctx, token)
	}
	caller, err := k.verifier.Verify(ctx, token)
	if err != nil || strings.HasPrefix(caller.Subject, "services/") {
		return caller, err
	}
	return k.stand(ctx, caller)
}

// byKey answers the caller that an API key makes.
func (k *Keeper) byKey(ctx context.Context, token string) (auth.Caller, error) {
	if !apikey.Looks(token) {
		return auth.Caller{}, errKey
	}
	hash := [sha256.Size]byte(apikey.Hash(token))
	known, ok := k.keys.Get(hash)
	if !ok || !time.Now().Before(known.until) {
		var err error
		if known, err = k.lookUp(ctx, hash); err != nil {
			return auth.Caller{}, err
		}
		k.keys.Add(hash, known)
	}
	switch found := known.found; {
	case found == nil || found.Revoked:
		return auth.Caller{}, errKey
	case found.ExpireTime != nil && !k.now().Before(*found.ExpireTime):
		return auth.Caller{}, errExpired
	case found.State == tenant.Suspended && !known.caller.Has(auth.Operator):
		return auth.Caller{}, errSuspended
	}
	return known.caller, nil
}

// lookUp finds a key and mints its token. That there is none is kept in mind too.
func (k *Keeper) lookUp(ctx context.Context, hash [sha256.Size]byte) (knownKey, error) {
	known := knownKey{until: time.Now().Add(trustFor)}
	found, err := store.FindKey(ctx, k.db, hash[:])
	if err != nil || found == nil {
		return known, err
	}
	known.found = found
	known.caller = auth.Caller{Tenant: found.Tenant, Subject: "apiKeys/" + found.ID.String(), Roles: rolesOf(found.Roles)}
	if known.caller.Token, err = k.issuer.Mint(known.caller, tokenLife); err != nil {
		return known, err
	}
	select {
	case k.uses <- use{found.Tenant, found.ID, k.now().UTC().Truncate(time.Minute)}:
	default: // the next use will tell
	}
	return known, nil
}

// rolesOf answers the roles of tokens that the resource names stand for.
func rolesOf(names []string) []auth.Role {
	roles := make([]auth.Role, 0, len(names))
	for _, name := range names {
		roles = append(roles, auth.Role(strings.TrimPrefix(name, role.Prefix)))
	}
	return roles
}

// stand answers the caller as it stands in its tenant. Where that cannot be
// found out, a token with roles is believed: people must be able to work while
// the database of this area is away.
func (k *Keeper) stand(ctx context.Context, caller auth.Caller) (auth.Caller, error) {
	who := user{caller.Tenant, caller.Subject}
	known, ok := k.users.Get(who)
	if !ok || !time.Now().Before(known.until) {
		standing, err := store.StandingOf(ctx, k.db, caller.Tenant, caller.Subject)
		switch {
		case err != nil && len(caller.Roles) > 0:
			k.log.WarnContext(ctx, "a user is let in by its token alone", "cause", err.Error())
			return caller, nil
		case err != nil:
			return auth.Caller{}, err
		}
		known = knownUser{standing: standing, until: time.Now().Add(trustFor)}
		if known.token, err = k.mintFor(caller, standing); err != nil {
			return auth.Caller{}, err
		}
		k.users.Add(who, known)
	}
	if len(caller.Roles) == 0 && known.token != "" {
		caller = k.asMember(caller, known.standing)
		caller.Token = known.token
	}
	if known.standing.State == tenant.Suspended && !caller.Has(auth.Operator) {
		return auth.Caller{}, errSuspended
	}
	return caller, nil
}

// asMember answers the caller with the roles and teams it has here.
func (k *Keeper) asMember(caller auth.Caller, s store.Standing) auth.Caller {
	caller.Roles, caller.Teams = rolesOf(s.Roles), s.Teams
	return caller
}

// mintFor makes a token for a member whose own names no roles; none where it has
// none here either.
func (k *Keeper) mintFor(caller auth.Caller, s store.Standing) (string, error) {
	if len(s.Roles) == 0 {
		return "", nil
	}
	return k.issuer.Mint(k.asMember(caller, s), tokenLife)
}

// Forget drops what is known of an API key, a tenant or a member, after a change
// here.
func (k *Keeper) Forget(of uuid.UUID) {
	for _, hash := range k.keys.Keys() {
		known, ok := k.keys.Peek(hash)
		if ok && known.found != nil && (known.found.ID == of || known.found.Tenant == of) {
			k.keys.Remove(hash)
		}
	}
	for _, who := range k.users.Keys() {
		if who.tenant == of {
			k.users.Remove(who)
		}
	}
}

// NoteUses keeps when keys were last used, until the context ends. It writes once
// a second at most, and each key once.
func (k *Keeper) NoteUses(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case first := <-k.uses:
			if err := k.note(ctx, k.collect(first)); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// collect takes what waits, the last use of each key.
func (k *Keeper) collect(first use) []use {
	uses := []use{first}
	for {
		select {
		case u := <-k.uses:
			uses = slices.DeleteFunc(uses, func(old use) bool { return old.key == u.key })
			uses = append(uses, u)
		default:
			return uses
		}
	}
}

func (k *Keeper) note(ctx context.Context, uses []use) error {
	for _, u := range uses {
		if err := store.NoteUse(ctx, k.db, u.tenant, u.key, u.at); err != nil {
			return err
		}
	}
	return nil
}
