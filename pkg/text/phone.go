package text

import (
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// DefaultRegion is the country in which numbers without a country code are read
// where nothing else is known.
const DefaultRegion = "ID"

// Phone is a number in form.
type Phone struct {
	// E164 is the number with its country code, such as "+491711234567". It is
	// also the key to compare by, together with Extension.
	E164 string
	// Extension are the digits to dial afterwards; mostly empty.
	Extension string
	// Region is the ISO 3166-1 country of the number; empty for those of no
	// country, such as satellite phones.
	Region string
	// Flags are remarks such as FlagUnassigned.
	Flags []string
}

var (
	errPhone  = &Error{"PHONE_INVALID", "is not a phone number that can be dialled"}
	errRegion = &Error{"REGION_INVALID", "is not an ISO 3166-1 alpha-2 country code"}
)

// ParsePhone reads a number as people write it: "0171/1234567", "+49 (0) 30 /
// 123456-0", "tel:+62-21-555". Numbers without a country code are read in the
// region, an ISO 3166-1 alpha-2 code, DefaultRegion where empty. A number whose
// length its country does not use, or whose E.164 form would be read as another
// number, is refused (PHONE_INVALID).
func ParsePhone(s, region string) (Phone, error) {
	if region == "" {
		region = DefaultRegion
	}
	if phonenumbers.GetCountryCodeForRegion(region) == 0 {
		return Phone{}, errRegion
	}
	number, err := phonenumbers.Parse(strings.TrimSpace(s), region)
	if err != nil || !phonenumbers.IsPossibleNumber(number) {
		return Phone{}, errPhone
	}
	country := phonenumbers.GetRegionCodeForNumber(number)
	p := Phone{
		E164:      phonenumbers.Format(number, phonenumbers.E164),
		Extension: number.GetExtension(),
		Region:    country,
	}
	if p.Region == "001" || p.Region == "ZZ" {
		p.Region = ""
	}
	if !phonenumbers.IsValidNumberForRegion(number, country) {
		if !stable(p.E164) {
			return Phone{}, errPhone
		}
		p.Flags = append(p.Flags, FlagUnassigned)
	}
	return p, nil
}

// stable reports whether a number in E.164 form is read as itself. Numbers that
// begin with the country's own prefix for long-distance calls are not.
func stable(e164 string) bool {
	number, err := phonenumbers.Parse(e164, "")
	return err == nil && phonenumbers.Format(number, phonenumbers.E164) == e164
}
