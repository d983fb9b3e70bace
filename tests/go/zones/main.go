// zones carries its own time zones, as docs/go.md says to.
package main

import (
	"fmt"
	"time"
	_ "time/tzdata"
)

func main() {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(time.Unix(0, 0).In(zone).Format("15:04 MST"))
}
