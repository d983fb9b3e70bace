module example.org/sign

go 1.24
