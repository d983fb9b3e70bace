// wasmvm: the local time zone, as on Unix: by TZ, else by /etc/localtime, where they can be read.

package time

import "syscall"

var platformZoneSources = []string{
	"/usr/share/zoneinfo/",
	"/usr/share/lib/zoneinfo/",
	"/usr/lib/locale/TZ/",
	"/etc/zoneinfo",
}

func initLocal() {
	localLoc.name = "UTC"
	name, set := syscall.Getenv("TZ")
	if len(name) > 0 && name[0] == ':' {
		name = name[1:]
	}
	var zone *Location
	var err error = errBadData
	switch {
	case !set:
		zone, err = loadLocation("localtime", []string{"/etc"})
		name = "Local"
	case len(name) > 0 && name[0] == '/':
		zone, err = loadLocation(name, []string{""})
		if name == "/etc/localtime" {
			name = "Local"
		}
	case name != "" && name != "UTC":
		zone, err = LoadLocation(name)
	}
	if err == nil {
		localLoc = *zone
		localLoc.name = name
	}
}
