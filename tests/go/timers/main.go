// timers measures how late sleeps, timers and tickers are, and whether any comes early.
// Prints: early N, p50, p99 and max lateness in microseconds.
package main

import (
	"fmt"
	"sort"
	"time"
)

func main() {
	var late []time.Duration
	early := 0
	note := func(asked, took time.Duration) {
		if took < asked {
			early++
		}
		late = append(late, took-asked)
	}
	for i := 0; i < 200; i++ {
		d := time.Duration(i%10+1) * 500 * time.Microsecond
		t := time.Now()
		time.Sleep(d)
		note(d, time.Since(t))
	}
	for i := 0; i < 50; i++ {
		d := time.Duration(i%5+1) * time.Millisecond
		t := time.Now()
		<-time.NewTimer(d).C
		note(d, time.Since(t))
	}
	// Many at once: each is timed from its own start.
	type pair struct{ asked, took time.Duration }
	results := make(chan pair, 100)
	for i := 0; i < 100; i++ {
		d := time.Duration(20+i) * time.Millisecond
		t := time.Now()
		time.AfterFunc(d, func() { results <- pair{d, time.Since(t)} })
	}
	for i := 0; i < 100; i++ {
		p := <-results
		note(p.asked, p.took)
	}
	sort.Slice(late, func(i, j int) bool { return late[i] < late[j] })
	us := func(q int) int64 { return late[(len(late)-1)*q/100].Microseconds() }
	fmt.Printf("early %d p50 %d p99 %d max %d\n", early, us(50), us(99), us(100))
}
