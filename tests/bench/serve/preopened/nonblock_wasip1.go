package main

import "syscall"

func setNonblock(fd uintptr) { syscall.SetNonblock(int(fd), true) }
