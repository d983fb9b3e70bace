// demo is what `make demo` runs inside a virtual machine: it shows that arguments, environment, files, time and
// goroutines are there as for any program, and that nothing is there that was not granted.
package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

func main() {
	start := time.Now()
	fmt.Printf("%s, %s/%s, alone in a virtual machine.\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	fmt.Printf("arguments    %q\n", os.Args[1:])
	fmt.Printf("environment  %q\n", os.Environ())
	fmt.Printf("time         %s\n", start.Format(time.RFC1123))
	files()
	walls()
	picture()
	fmt.Printf("\nDone in %.1f ms, counted from main.\n", float64(time.Since(start).Microseconds())/1000)
}

// files lists the directories named by the arguments, and leaves a note in the first that lets it.
func files() {
	for _, dir := range os.Args[1:] {
		entries, err := os.ReadDir(dir)
		if err != nil {
			fmt.Printf("files        %v\n", err)
			continue
		}
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			lines, words, err := count(path)
			if err == nil {
				fmt.Printf("files        %-22s %4d lines %5d words\n", path, lines, words)
			}
		}
		note := filepath.Join(dir, "note.txt")
		if err := os.WriteFile(note, []byte("written by a guest\n"), 0o644); err != nil {
			fmt.Printf("files        %v\n", err)
			continue
		}
		back, err := os.ReadFile(note)
		fmt.Printf("files        %-22s %q %v\n", note, back, err)
		os.Remove(note)
	}
}

func count(path string) (lines, words int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	for scan := bufio.NewScanner(f); scan.Scan(); lines++ {
		words += len(strings.Fields(scan.Text()))
	}
	return lines, words, nil
}

// walls tries what a program on the host could do.
func walls() {
	for _, path := range []string{"/etc/passwd", "/proc/self/environ", "/dev/kvm"} {
		_, err := os.ReadFile(path)
		fmt.Printf("walls        %v\n", err)
	}
}

const width, height = 76, 22

// picture computes each row in a goroutine of its own and prints them in order.
func picture() {
	rows := make([]chan string, height)
	for y := range rows {
		y := y // before Go 1.22 every goroutine would see the same y
		rows[y] = make(chan string)
		go func() { rows[y] <- row(y) }()
	}
	fmt.Println()
	for _, r := range rows {
		fmt.Println(<-r)
	}
}

// row is one line of the Mandelbrot set.
func row(y int) string {
	const shades = " .:-=+*#%@"
	var line [width]byte
	for x := range line {
		c := complex(float64(x)/width*3.2-2.3, float64(y)/(height-1)*2.4-1.2)
		z, n := complex(0, 0), 0
		for n < 200 && real(z)*real(z)+imag(z)*imag(z) < 4 {
			z, n = z*z+c, n+1
		}
		line[x] = shades[min(n/2, len(shades)-1)]
		if n == 200 {
			line[x] = ' '
		}
	}
	return string(line[:])
}
