module gudok

go 1.27
