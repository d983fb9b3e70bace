// A program for an interpreter: prints the primes' gaps, a sorted word count and a closure at work.
package main

import (
	"fmt"
	"sort"
	"strings"
)

type counter struct{ words map[string]int }

func (c *counter) add(text string) {
	for _, w := range strings.Fields(strings.ToLower(text)) {
		c.words[strings.Trim(w, ".,;:")]++
	}
}

func main() {
	var gaps []int
	last := 2
	for n := 3; n < 3000; n += 2 {
		prime := true
		for d := 3; d*d <= n; d += 2 {
			if n%d == 0 {
				prime = false
				break
			}
		}
		if prime {
			gaps = append(gaps, n-last)
			last = n
		}
	}
	c := &counter{words: map[string]int{}}
	for i := 0; i < 20; i++ {
		c.add("The quick brown fox; the lazy dog. The end, of the " + fmt.Sprint(i) + " story.")
	}
	var keys []string
	for k := range c.words {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool {
		if c.words[keys[i]] != c.words[keys[j]] {
			return c.words[keys[i]] > c.words[keys[j]]
		}
		return keys[i] < keys[j]
	})
	fib := func() func() int {
		a, b := 0, 1
		return func() int { a, b = b, a+b; return a }
	}()
	for i := 0; i < 30; i++ {
		fib()
	}
	fmt.Println(len(gaps), gaps[:20], keys[:5], fib())
}
