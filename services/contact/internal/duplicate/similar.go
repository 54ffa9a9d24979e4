package duplicate

import (
	"slices"
	"strings"
)

// JaroWinkler answers how much two words are alike, from 0 to 1: the measure of Jaro
// (1989), raised by Winkler (1990) for up to four letters of a common beginning where
// it is over 0.7.
func JaroWinkler(a, b string) float64 {
	x, y := []rune(a), []rune(b)
	s := jaro(x, y)
	if s <= 0.7 {
		return s
	}
	common := 0
	for common < min(4, len(x), len(y)) && x[common] == y[common] {
		common++
	}
	return s + 0.1*float64(common)*(1-s)
}

// jaro counts the letters that both have within half the longer word, and those of
// them that stand in another order.
func jaro(a, b []rune) float64 {
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	window := max(0, max(len(a), len(b))/2-1)
	taken := make([]bool, len(b))
	var matched []rune
	for i, r := range a {
		for j := max(0, i-window); j < min(len(b), i+window+1); j++ {
			if !taken[j] && b[j] == r {
				taken[j] = true
				matched = append(matched, r)
				break
			}
		}
	}
	if len(matched) == 0 {
		return 0
	}
	swapped, next := 0, 0
	for j, r := range b {
		if taken[j] {
			if matched[next] != r {
				swapped++
			}
			next++
		}
	}
	m := float64(len(matched))
	return (m/float64(len(a)) + m/float64(len(b)) + (m-float64(swapped/2))/m) / 3
}

// Edits counts the letters to insert, delete, replace or swap with their neighbour
// that make one text of the other (Damerau 1964, no letter touched twice).
func Edits(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(y)]
}

// alike is 1 less the edits per letter of the longer text.
func alike(a, b string) float64 {
	longer := max(len([]rune(a)), len([]rune(b)))
	if longer == 0 {
		return 0
	}
	return 1 - float64(Edits(a, b))/float64(longer)
}

// sounds is a code that spellings of a name share: the first letter and the
// consonants after it, each once in a row, after the old and the new spelling of
// Indonesian names (Soekarno, Djoko) and the digraphs of English were made one.
func sounds(word string) string {
	word = spellings.Replace(word)
	var code []rune
	for i, r := range word {
		if i > 0 && strings.ContainsRune("aeiouyhw", r) {
			continue
		}
		if n := len(code); n == 0 || code[n-1] != r {
			code = append(code, r)
		}
	}
	return string(code[:min(len(code), 6)])
}

var spellings = strings.NewReplacer("oe", "u", "dj", "j", "tj", "c", "sj", "s", "nj", "n", "ch", "h", "ph", "f", "sh", "s",
	"th", "t", "kh", "k", "ck", "k", "z", "s", "q", "k", "v", "f")

// sorted answers the words of a text in the order of the alphabet.
func sorted(text string) []string {
	words := strings.Fields(text)
	slices.Sort(words)
	return words
}
