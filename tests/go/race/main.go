// race DIR SECONDS WAY... tries to get out of DIR by paths that another process changes all the time.  What is called
// ".../secret" holds "mine" inside; any other content, size or name that shows up is from outside.  It prints how often
// each way went well and how often it was refused.  It goes on, for 40 seconds more, until both happened to each WAY.
package main

import (
	"bytes"
	"fmt"
	"os"
	"sort"
	"strconv"
	"time"
)

var (
	dir           string
	well, refused = map[string]int{}, map[string]int{}
)

func count(what string, err error) bool {
	if err == nil {
		well[what]++
	} else {
		refused[what]++
	}
	return err == nil
}

func escaped(what string, details ...any) {
	fmt.Println("ESCAPED by", what, fmt.Sprint(details...))
	os.Exit(1)
}

// The file that the path names, by every call that takes a path.
func file(path string) {
	if data, err := os.ReadFile(path); count("read", err) && len(data) > 0 && !bytes.HasPrefix(data, []byte("mine")) {
		escaped("read", string(data))
	}
	if info, err := os.Stat(path); count("stat", err) && info.Mode().IsRegular() && info.Size() > 10 {
		escaped("stat", info.Size())
	}
	count("chtimes", os.Chtimes(path, time.Unix(1, 0), time.Unix(1, 0)))
	count("truncate", os.Truncate(path, 4))
	count("write", os.WriteFile(path, []byte("mine"), 0o644))
	if f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0); count("append", err) {
		f.Write([]byte("mine"))
		f.Truncate(4)
		f.Close()
	}
	stolen := dir + "/stolen"
	if count("link out of it", os.Link(path, stolen)) {
		look(stolen)
	}
	if count("rename out of it", os.Rename(path, stolen)) {
		look(stolen)
		count("rename back", os.Rename(stolen, path))
	}
	os.Remove(stolen)
}

// A file of ours now, wherever it came from; a symlink is only a text.
func look(path string) {
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return
	}
	if data, _ := os.ReadFile(path); len(data) > 0 && !bytes.HasPrefix(data, []byte("mine")) {
		escaped("link or rename", string(data))
	}
}

// The directory that the path names: everything that adds, removes or lists entries.
func directory(path string) {
	for _, name := range []string{"/made", "/kept"} {
		f, err := os.OpenFile(path+name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		if count("create", err) {
			f.Close()
		}
	}
	count("mkdir", os.Mkdir(path+"/new", 0o755))
	count("symlink", os.Symlink("made", path+"/sym"))
	if text, err := os.Readlink(path + "/outlink"); count("readlink", err) && text == "outside" {
		escaped("readlink", text)
	}
	mine := dir + "/mine"
	os.WriteFile(mine, []byte("mine"), 0o644)
	count("link into it", os.Link(mine, path+"/hard"))
	count("rename into it", os.Rename(mine, path+"/moved"))
	if entries, err := os.ReadDir(path); count("readdir", err) {
		for _, e := range entries {
			if e.Name() == "only-outside" {
				escaped("readdir", e.Name())
			}
		}
	}
	for _, name := range []string{"/made", "/new", "/sym", "/hard", "/moved", "/only-outside", "/empty-outside"} {
		count("remove", os.Remove(path+name))
	}
	count("remove kept", os.Remove(path+"/kept"))
}

// enough tells whether the race has come to both ends of what matters.
func enough() bool {
	for _, what := range os.Args[3:] {
		if well[what] < 20 || refused[what] < 20 {
			return false
		}
	}
	return true
}

func main() {
	dir = os.Args[1]
	seconds, _ := strconv.ParseFloat(os.Args[2], 64)
	begun := time.Now()
	for {
		if t := time.Since(begun).Seconds(); t > seconds+40 || t > seconds && enough() {
			break
		}
		file(dir + "/swap/secret")
		file(dir + "/final")
		file(dir + "/a/deep/secret")
		directory(dir + "/swap")
		directory(dir + "/swap/sub")
		// Cleaned by nobody on the way: what these mean depends on where a/deep is at that moment.
		for _, path := range []string{"/a/deep/..//../../outside/secret", "/swap/..//../outside/secret"} {
			raw(path)
		}
	}
	var names []string
	for name := range well {
		names = append(names, name)
	}
	for name := range refused {
		if well[name] == 0 {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Printf("%s: %d %d\n", name, well[name], refused[name])
	}
}
