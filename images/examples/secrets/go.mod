module example.org/secrets

go 1.24
