// Package text brings what people write into one form: names, e-mail addresses,
// phone numbers, languages and countries.
//
// Each kind has a form to keep and show, which stays as close to the input as
// its standard allows, and a key to compare by, in which spellings that mean the
// same are equal. Keys never fold letters of one script into look-alikes of
// another: "аdmin" with a Cyrillic а and "admin" stay two. MixedScript and flags
// say where such a trap may be.
//
// What cannot be brought into form is refused with an *Error; nothing is guessed
// and nothing is cut off. Keys are stored: a change of a key function needs a
// migration of the rows that hold them.
package text

// Error says why a text was refused. It never holds the text.
type Error struct {
	// Reason is in UPPER_SNAKE, such as "EMAIL_INVALID".
	Reason string
	// Description says what is wrong in one sentence.
	Description string
}

// Error implements error.
func (e *Error) Error() string { return e.Description }

// Remarks on a value that was accepted. They are shown to people beside it.
const (
	// FlagDotlessDomain marks an address such as "user@intranet".
	FlagDotlessDomain = "dotless-domain"
	// FlagInternational marks an address with letters outside ASCII.
	FlagInternational = "international"
	// FlagMixedScript marks a value in which letters of one script may pass for
	// those of another.
	FlagMixedScript = "mixed-script"
	// FlagUnassigned marks a phone number of a possible length in a range that its
	// country has not assigned, as far as is known.
	FlagUnassigned = "unassigned-range"
)
