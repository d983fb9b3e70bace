package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"os"
)

// The frames of docs/plugins.md.
const (
	hello = 1 + iota
	result
	trap
	read
	write
	size
	export
	log
	call   = 16
	answer = 17
)

// A Function is what the module imports: sig is "PARAMS:RESULT" of i, I, f and F; args and the result are raw cells.
type Function struct {
	Name, Sig string
	Func      func(p *Plugin, args []uint64) (uint64, error)
}

// A Plugin talks to the monitor.
type Plugin struct {
	functions []Function
	socket    *os.File
	input     *bufio.Reader
}

// Serve says hello, then serves calls until the monitor is gone.
func Serve(name, version string, functions []Function) error {
	socket := os.NewFile(3, "monitor")
	p := &Plugin{functions, socket, bufio.NewReader(socket)}
	body := binary.LittleEndian.AppendUint32(nil, 1)
	body = append(append(body, name...), 0)
	body = append(append(body, version...), 0)
	for _, f := range functions {
		body = append(append(body, f.Name...), 0)
		body = append(append(body, f.Sig...), 0)
	}
	if err := p.send(hello, body); err != nil {
		return err
	}
	for {
		_, body, err := p.receive()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = p.serve(body)
		}
		if err != nil {
			return err
		}
	}
}

func (p *Plugin) send(kind uint32, body []byte) error {
	head := binary.LittleEndian.AppendUint32(nil, uint32(len(body)))
	_, err := p.socket.Write(append(binary.LittleEndian.AppendUint32(head, kind), body...))
	return err
}

func (p *Plugin) receive() (kind uint32, body []byte, err error) {
	var head [8]byte
	if _, err = io.ReadFull(p.input, head[:]); err != nil {
		return
	}
	body = make([]byte, binary.LittleEndian.Uint32(head[:]))
	_, err = io.ReadFull(p.input, body)
	return binary.LittleEndian.Uint32(head[4:]), body, err
}

func (p *Plugin) serve(body []byte) error {
	f := p.functions[binary.LittleEndian.Uint32(body)]
	var args []uint64
	for body = body[4:]; len(body) > 0; body = body[8:] {
		args = append(args, binary.LittleEndian.Uint64(body))
	}
	value, err := f.Func(p, args)
	if err != nil {
		return p.send(trap, []byte(f.Name+": "+err.Error()))
	}
	return p.send(result, binary.LittleEndian.AppendUint64(nil, value))
}

// ask sends a request and returns the answer's bytes; an export that was asked for may call us before that.
func (p *Plugin) ask(kind uint32, body []byte) ([]byte, error) {
	if err := p.send(kind, body); err != nil {
		return nil, err
	}
	for {
		kind, body, err := p.receive()
		if err == nil && kind == call {
			err = p.serve(body)
		} else if err == nil {
			if status := int32(binary.LittleEndian.Uint32(body)); status != 0 {
				return nil, fmt.Errorf("status %d", status)
			}
			return body[4:], nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// Read copies out of the module's memory.
func (p *Plugin) Read(pointer, length uint64) ([]byte, error) {
	body := binary.LittleEndian.AppendUint32(nil, uint32(pointer))
	return p.ask(read, binary.LittleEndian.AppendUint32(body, uint32(length)))
}

// Write copies into it.
func (p *Plugin) Write(pointer uint64, data []byte) error {
	_, err := p.ask(write, append(binary.LittleEndian.AppendUint32(nil, uint32(pointer)), data...))
	return err
}
