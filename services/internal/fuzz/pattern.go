package fuzz

import (
	"math/rand/v2"
	"regexp/syntax"
	"strings"
)

// match makes a text that a regular expression of the contract matches.
func match(r *rand.Rand, pattern string) string {
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return ""
	}
	var b strings.Builder
	write(r, &b, tree.Simplify())
	return b.String()
}

func write(r *rand.Rand, b *strings.Builder, tree *syntax.Regexp) {
	switch tree.Op {
	case syntax.OpLiteral:
		for _, c := range tree.Rune {
			b.WriteRune(c)
		}
	case syntax.OpCharClass:
		b.WriteRune(oneOf(r, tree.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte(byte('a' + r.IntN(26)))
	case syntax.OpAlternate:
		write(r, b, tree.Sub[r.IntN(len(tree.Sub))])
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		for range times(r, tree) {
			write(r, b, tree.Sub[0])
		}
	default:
		for _, sub := range tree.Sub {
			write(r, b, sub)
		}
	}
}

// oneOf picks a rune of a class, from the part of it that people use where there
// is one.
func oneOf(r *rand.Rand, ranges []rune) rune {
	i := 2 * r.IntN(len(ranges)/2)
	low, high := ranges[i], ranges[i+1]
	if low < 'a' && high > 'z' {
		low, high = 'a', 'z'
	}
	return low + rune(r.IntN(int(high-low)+1))
}

func times(r *rand.Rand, tree *syntax.Regexp) int {
	switch tree.Op {
	case syntax.OpStar:
		return r.IntN(6)
	case syntax.OpPlus:
		return 1 + r.IntN(6)
	case syntax.OpQuest:
		return r.IntN(2)
	default:
		least, most := tree.Min, tree.Max
		if most < 0 || most > least+8 {
			most = least + 8
		}
		return least + r.IntN(most-least+1)
	}
}
