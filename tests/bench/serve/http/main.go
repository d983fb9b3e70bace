// http is the HTTP server of the bench, as anyone would write it: http ADDRESS.  /quit ends it.
package main

import (
	"io"
	"log"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "Hello, World!\n") })
	http.HandleFunc("/quit", func(w http.ResponseWriter, r *http.Request) { os.Exit(0) })
	log.Fatal(http.ListenAndServe(os.Args[1], nil))
}
