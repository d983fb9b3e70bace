// regexp searches and replaces in a text made here.
package main

import (
	"fmt"
	"regexp"
	"strings"

	"wasmvm.test/bench/size"
)

func main() {
	var b strings.Builder
	for i := 0; i < size.Of(6000, 300); i++ {
		fmt.Fprintf(&b, "line %d: user%d@host%d.example.org wrote 2024-%02d-%02d %x and left (see #%d)\n",
			i, i%97, i%13, i%12+1, i%28+1, i*7919, i*31)
	}
	text := b.String()
	total := 0
	for _, pattern := range []string{
		`[a-z0-9]+@[a-z0-9.]+\.org`,
		`(\d{4})-(\d\d)-(\d\d)`,
		`(?i)WROTE .* left`,
		`\b[0-9a-f]{4,}\b`,
		`^line [0-9]*7: (user\d+)`,
		`(a|b|c|d|e)+f?[^:]*#`,
	} {
		re := regexp.MustCompile("(?m)" + pattern)
		total += len(re.FindAllStringSubmatchIndex(text, -1))
	}
	out := regexp.MustCompile(`(\d+)-(\d+)-(\d+)`).ReplaceAllString(text, "$3/$2/$1")
	fmt.Println(total, len(out), strings.Count(out, "/2024"))
}
