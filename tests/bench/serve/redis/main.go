// redis is a server that speaks Redis' protocol, by a library of others: redis ADDRESS.  SHUTDOWN ends it.
package main

import (
	"log"
	"os"
	"strings"
	"sync"

	"github.com/tidwall/redcon"
)

func main() {
	var mu sync.RWMutex
	values := map[string][]byte{}
	serve := func(conn redcon.Conn, cmd redcon.Command) {
		switch strings.ToLower(string(cmd.Args[0])) {
		case "ping":
			conn.WriteString("PONG")
		case "set":
			mu.Lock()
			values[string(cmd.Args[1])] = append([]byte(nil), cmd.Args[2]...)
			mu.Unlock()
			conn.WriteString("OK")
		case "get":
			mu.RLock()
			value, ok := values[string(cmd.Args[1])]
			mu.RUnlock()
			if ok {
				conn.WriteBulk(value)
			} else {
				conn.WriteNull()
			}
		case "shutdown":
			os.Exit(0)
		default:
			conn.WriteError("ERR unknown command")
		}
	}
	all := func(redcon.Conn) bool { return true }
	log.Fatal(redcon.ListenAndServe(os.Args[1], serve, all, nil))
}
