package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// The limits of RFC 5321: a local part, and a whole path without its brackets.
const (
	maxLocalBytes = 64
	maxEmailBytes = 254
	maxLabelBytes = 63
)

// Email is an address in form.
type Email struct {
	// Address is what to show: the local part as given, the domain in lower case
	// and in its own script.
	Address string
	// Wire is what to send to: Address with the domain in ASCII (IDNA).
	Wire string
	// Key is what addresses are compared by: Wire without the case of its letters.
	// Dots and tags of the local part count, because only the receiving host knows
	// what they mean.
	Key string
	// Flags are remarks such as FlagDotlessDomain.
	Flags []string
}

var (
	errEmailForm   = &Error{"EMAIL_INVALID", "is not of the form local-part@domain"}
	errEmailLocal  = &Error{"EMAIL_INVALID", "has a local part that is quoted, empty or holds a character not allowed there"}
	errEmailLong   = &Error{"EMAIL_INVALID", "is longer than 254 bytes, or its local part longer than 64"}
	errEmailDomain = &Error{"EMAIL_INVALID", "has a domain that is not a host name"}
)

// ParseEmail reads an address strictly: one addr-spec of RFC 5322 without the
// forms that serve attackers more than people. Quoted local parts, comments,
// folding, IP literals, white space and display names are refused
// (EMAIL_INVALID). Letters outside ASCII are allowed on both sides (RFC 6531,
// IDNA 2008 lookup).
func ParseEmail(s string) (Email, error) {
	if !utf8.ValidString(s) {
		return Email{}, errEncoding
	}
	local, domain, found := strings.Cut(s, "@")
	if !found || strings.Contains(domain, "@") {
		return Email{}, errEmailForm
	}
	local = norm.NFC.String(local)
	if !dotAtom(local) {
		return Email{}, errEmailLocal
	}
	ascii, err := asciiDomain(domain)
	if err != nil {
		return Email{}, err
	}
	wire := local + "@" + ascii
	if len(local) > maxLocalBytes || len(wire) > maxEmailBytes {
		return Email{}, errEmailLong
	}
	shown, err := idna.Lookup.ToUnicode(ascii)
	if err != nil {
		return Email{}, errEmailDomain
	}
	e := Email{Address: local + "@" + shown, Wire: wire, Key: Key(local) + "@" + ascii}
	e.Flags = emailFlags(e.Address, ascii)
	return e, nil
}

// dotAtom reports whether s is atoms with single dots between them.
func dotAtom(s string) bool {
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" || strings.ContainsFunc(atom, func(r rune) bool { return !atext(r) }) {
			return false
		}
	}
	return true
}

// atext is that of RFC 5322, and letters, marks and digits of all scripts.
func atext(r rune) bool {
	if r < 0x80 {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r)
	}
	return unicode.In(r, unicode.L, unicode.M, unicode.N)
}

// asciiDomain brings a domain into lower-case A-labels. A top label of digits
// only is refused: such a name is an address of the network.
func asciiDomain(domain string) (string, error) {
	if domain == "" || strings.ContainsAny(domain, " \t\r\n[]()<>:,;\\\"") {
		return "", errEmailDomain
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil {
		return "", errEmailDomain
	}
	last := ""
	for label := range strings.SplitSeq(ascii, ".") {
		if label == "" || len(label) > maxLabelBytes {
			return "", errEmailDomain
		}
		last = label
	}
	if strings.Trim(last, "0123456789") == "" {
		return "", errEmailDomain
	}
	return ascii, nil
}

func emailFlags(address, ascii string) []string {
	var flags []string
	if !strings.Contains(ascii, ".") {
		flags = append(flags, FlagDotlessDomain)
	}
	if strings.ContainsFunc(address, func(r rune) bool { return r >= 0x80 }) {
		flags = append(flags, FlagInternational)
	}
	if MixedScript(address) {
		flags = append(flags, FlagMixedScript)
	}
	return flags
}
