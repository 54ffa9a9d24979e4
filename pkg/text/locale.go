package text

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // so that the zones known are the same on every machine

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

var errLanguage = &Error{"LANGUAGE_INVALID", "is not a BCP 47 language tag"}

// Language brings a BCP 47 tag into its canonical form: "ID_id" is "id-ID".
func Language(s string) (string, error) {
	tag, err := language.Parse(s)
	if err != nil || tag == language.Und {
		return "", errLanguage
	}
	return tag.String(), nil
}

// InLanguage answers the text that is meant for readers of a language, of texts by BCP 47
// tags: the one of the tag, else of its language in any region, else in English, else the
// first by tag; "" where there is none.
func InLanguage(texts map[string]string, tag string) string {
	for tag != "" {
		if found := texts[tag]; found != "" {
			return found
		}
		tag = tag[:max(strings.LastIndexByte(tag, '-'), 0)]
	}
	for _, first := range slices.Sorted(maps.Keys(texts)) {
		return cmp.Or(texts["en"], texts[first])
	}
	return ""
}

var (
	zoneForm = regexp.MustCompile(`^[A-Z][A-Za-z0-9_+-]*(/[A-Z][A-Za-z0-9_+-]*)*$`)
	errZone  = &Error{"TIME_ZONE_UNKNOWN", "is not an IANA time zone such as Asia/Jakarta"}
)

// TimeZone answers the IANA time zone of that name (TIME_ZONE_UNKNOWN where there
// is none).
func TimeZone(name string) (*time.Location, error) {
	if !zoneForm.MatchString(name) || name == "Local" || name == "Factory" {
		return nil, errZone
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, errZone
	}
	return zone, nil
}

// Country answers the ISO 3166-1 alpha-2 code of a country given as a code of
// two or three letters or as a name, in English, in the country's own main
// language or in one of a few others: "Deutschland", "Jerman", "DEU" are "DE".
// It answers false where the text is not known to be one.
func Country(s string) (code string, ok bool) {
	key := SearchKey(s)
	if code, ok := countries()[key]; ok {
		return code, true
	}
	if len(key) != 2 && len(key) != 3 {
		return "", false
	}
	region, err := language.ParseRegion(strings.ToUpper(key))
	if err != nil {
		return "", false
	}
	return isoCountry(region)
}

func isoCountry(region language.Region) (string, bool) {
	region = region.Canonicalize()
	code := region.String()
	return code, region.IsCountry() && len(code) == 2 && !private[code]
}

// private are codes that CLDR counts as countries and ISO 3166-1 does not assign.
var private = map[string]bool{"ZZ": true, "XA": true, "XB": true, "XK": true, "QO": true, "EU": true, "UN": true, "EZ": true}

// foreign are the languages, besides each country's own, in which names of
// countries are understood; where two languages disagree the first one counts.
var foreign = []language.Tag{
	language.English, language.Indonesian, language.German, language.French,
	language.Spanish, language.Portuguese, language.Dutch, language.Italian,
}

// spoken are names in use that the tables do not have.
var spoken = map[string]string{
	"uk": "GB", "great britain": "GB", "england": "GB", "scotland": "GB", "wales": "GB", "inggris raya": "GB",
	"usa": "US", "united states of america": "US", "amerika": "US", "amerika serikat": "US",
	"korea": "KR", "republic of korea": "KR", "korea selatan": "KR",
	"russian federation": "RU", "viet nam": "VN", "holland": "NL", "czech republic": "CZ", "turkey": "TR",
	"burma": "MM", "uae": "AE", "swaziland": "SZ", "ivory coast": "CI", "macedonia": "MK", "republik indonesia": "ID",
}

// countries maps names, as SearchKey writes them, to codes. It is built when it
// is first used: about 2,500 names.
var countries = sync.OnceValue(func() map[string]string {
	names := make(map[string]string, 3000)
	for name, code := range spoken {
		names[name] = code
	}
	regions := assigned()
	for _, tag := range foreign {
		addNames(names, regions, func(language.Region) display.Namer { return display.Regions(tag) })
	}
	addNames(names, regions, func(r language.Region) display.Namer {
		own, err := language.Compose(language.Und, r)
		if err != nil {
			return nil
		}
		base, _ := own.Base()
		tag, err := language.Compose(base)
		if err != nil {
			return nil
		}
		return display.Regions(tag)
	})
	return names
})

// addNames adds what the namer of each region calls it, where that is free.
func addNames(names map[string]string, regions []language.Region, namer func(language.Region) display.Namer) {
	for _, region := range regions {
		n := namer(region)
		if n == nil {
			continue
		}
		key := SearchKey(n.Name(region))
		if _, taken := names[key]; !taken && len(key) > 2 {
			names[key] = region.String()
		}
	}
}

// assigned lists the countries of ISO 3166-1.
func assigned() []language.Region {
	var regions []language.Region
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			region, err := language.ParseRegion(string([]rune{a, b}))
			if err != nil {
				continue
			}
			if code, ok := isoCountry(region); ok && code == string([]rune{a, b}) {
				regions = append(regions, region)
			}
		}
	}
	return regions
}
