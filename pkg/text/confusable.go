package text

import "strings"

// lookalikes are letters, in lower case, that pass for a Latin letter in one of
// their cases. They are what confusables.txt of UTS #39 holds for the scripts that
// names and addresses are forged with; its digits and its pairs of letters ("rn" for
// "m") are left out, because honest names differ by them.
var lookalikes = map[rune]rune{
	// Cyrillic
	'а': 'a', 'в': 'b', 'с': 'c', 'ԁ': 'd', 'е': 'e', 'ё': 'e', 'ғ': 'f', 'һ': 'h', 'н': 'h', 'і': 'i', 'ӏ': 'l', 'ј': 'j',
	'к': 'k', 'қ': 'k', 'м': 'm', 'о': 'o', 'р': 'p', 'ԛ': 'q', 'ѕ': 's', 'т': 't', 'ѵ': 'v', 'ԝ': 'w', 'х': 'x', 'у': 'y', 'ү': 'y', 'ь': 'b',
	// Greek
	'α': 'a', 'β': 'b', 'ε': 'e', 'γ': 'y', 'ι': 'i', 'κ': 'k', 'μ': 'm', 'ν': 'v', 'ο': 'o', 'ρ': 'p', 'τ': 't', 'υ': 'u', 'χ': 'x', 'ζ': 'z',
	// Armenian
	'ց': 'g', 'հ': 'h', 'յ': 'j', 'ո': 'n', 'օ': 'o', 'զ': 'q', 'ս': 'u',
	// Latin letters of phonetic alphabets, and the Turkish one without a dot
	'ɑ': 'a', 'ɡ': 'g', 'ı': 'i', 'ɩ': 'i', 'ɪ': 'i', 'ʀ': 'r', 'ʏ': 'y', 'ᴏ': 'o', 'ᴠ': 'v', 'ᴡ': 'w', 'ꜱ': 's',
}

// Skeleton answers what two keys (Key, SearchKey, the key of an e-mail address) have
// in common that look alike: letters that pass for a Latin one become it. Two texts
// with one skeleton and different keys are confusable (UTS #39, section 4): a reason
// to look closer, and never one to take them for the same.
func Skeleton(key string) string {
	if ascii(key) {
		return key
	}
	return strings.Map(func(r rune) rune {
		if latin, ok := lookalikes[r]; ok {
			return latin
		}
		return r
	}, key)
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
