package seed

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/kek"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// nonceBytes is the size of the nonce before the ciphertext of a sealed part.
const nonceBytes = 12

// sealed is the sealed part of an event: where it lies, and what is in it.
type sealed struct {
	off   int
	plain stencil
	// contact, key and event are tokens.
	contact, key, event int
}

// sealer knows the keys of the groups, and makes those of the copies of a random
// secret, so that all databases get the same.
type sealer struct {
	tokens *tokens
	secret [32]byte
	// keyOf finds the key of a contact, both as tokens.
	keyOf map[int]int
	// aeads are the keys of the groups, by token.
	aeads map[int]cipher.AEAD
}

// newAEAD is AES-256-GCM, under which personal fields are sealed.
func newAEAD(secret []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// readKeys finds the keys of the contacts of the groups.
func readKeys(ctx context.Context, contacts, keys *pgx.Conn, t *tokens, w *kek.Wrapper) (*sealer, error) {
	s := &sealer{tokens: t, keyOf: map[int]int{}, aeads: map[int]cipher.AEAD{}}
	rand.Read(s.secret[:]) // never fails (crypto/rand)
	rows, err := contacts.Query(ctx, "SELECT id, key_id FROM contact WHERE tenant = $1", t.tenant)
	if err != nil {
		return nil, err
	}
	var contact, key uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&contact, &key}, func() error {
		s.keyOf[t.ids[contact]] = t.ids[key]
		return nil
	})
	if err != nil {
		return nil, err
	}
	rows, err = keys.Query(ctx, "SELECT id, wrapped FROM contact_key")
	if err != nil {
		return nil, err
	}
	var wrapped []byte
	_, err = pgx.ForEachRow(rows, []any{&key, &wrapped}, func() error {
		ref, known := t.ids[key]
		if !known {
			return nil // in the reservoir
		}
		secret, err := w.Unwrap(key, wrapped)
		if err != nil {
			return err
		}
		s.aeads[ref], err = newAEAD(secret)
		return err
	})
	return s, err
}

// open reads the sealed part of the event in a field of a stencil.
func (s *sealer) open(st *stencil, f field, known seconds) error {
	var e eventv1.Event
	body := st.raw[f.off : f.off+f.size]
	if err := proto.Unmarshal(body, &e); err != nil {
		return err
	}
	if e.GetSealed() == nil {
		return nil
	}
	contact, ok := s.tokens.texts[strings.TrimPrefix(e.GetSealed().GetContact(), "contacts/")]
	if !ok {
		return fmt.Errorf("event %s is sealed for somebody else", e.GetId())
	}
	key := s.keyOf[contact]
	cipher := e.GetSealed().GetCiphertext()
	at := bytes.Index(body, cipher)
	if at < 0 || s.aeads[key] == nil {
		return errors.New("a sealed part cannot be found, or its key")
	}
	plain, err := s.aeads[key].Open(nil, cipher[:nonceBytes], cipher[nonceBytes:], sealedWith(e.GetTenant(), e.GetSealed().GetContact(), e.GetId()))
	if err != nil {
		return fmt.Errorf("event %s: %w", e.GetId(), err)
	}
	st.sealed = &sealed{off: f.off + at, plain: stencil{raw: plain}, contact: contact, key: key, event: s.tokens.texts[e.GetId()]}
	st.sealed.plain.findTexts(s.tokens, 0, len(plain))
	st.sealed.plain.findSeconds(known, 0, len(plain))
	return nil
}

// sealedWith is the additional data of a sealed part (lingkar.event.v1.Sealed).
func sealedWith(tenant, contact, event string) []byte {
	return []byte(tenant + "|" + contact + "|" + event)
}

// seal writes the sealed part of a copy: nonce, ciphertext and tag.
func (s *sealer) seal(b *batch, part *sealed, nth int, plain, into []byte) {
	id := b.id(s.tokens, part.key, nth)
	aead, err := newAEAD(s.secretOf(id))
	if err != nil {
		panic(err) // the secret has the right size
	}
	event := b.id(s.tokens, part.event, nth)
	sum := sha256.Sum256(append(s.secret[:], event[:]...))
	nonce := append(into, sum[:nonceBytes]...)
	aead.Seal(nonce, nonce, plain,
		sealedWith("tenants/"+s.tokens.tenant.String(), "contacts/"+b.id(s.tokens, part.contact, nth).String(), event.String()))
}

// secretOf answers the secret of the key of a copy.
func (s *sealer) secretOf(key uuid.UUID) []byte {
	sum := sha256.Sum256(append(key[:], s.secret[:]...))
	return sum[:]
}
