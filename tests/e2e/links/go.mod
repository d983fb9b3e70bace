module pkg

go 1.21
